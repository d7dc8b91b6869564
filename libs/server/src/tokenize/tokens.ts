import type { Prompt, TokenizeOutput } from '@xim/engine';
import { refusal } from '../errors/errors.ts';
import { toGenerateInput } from '../openai/chat/request.ts';
import { refuseUnsupported } from '../openai/chat/unsupported.ts';
import type { LlamaTokens, TemplateRequest, TokenizeRequest, VllmTokens } from './schema.ts';

const asTheModel = 'Leave it out: tokens are those that the model reads for such a prompt';

/** The prompt of a body of vLLM's or llama.cpp's clients. Throws InvalidInputError for tokens that the model would not read. */
export function toPrompt(body: TokenizeRequest): Prompt {
  if ('content' in body) {
    if (body.add_special === false) throw refusal('add_special', '"add_special": false is not supported', asTheModel);
    return { text: body.content };
  }
  const isText = 'prompt' in body;
  if (body.add_special_tokens != null && body.add_special_tokens !== isText)
    throw refusal(
      'add_special_tokens',
      `"add_special_tokens": ${body.add_special_tokens} is not supported for a ${isText ? 'text' : 'conversation'}`,
      asTheModel,
    );
  return isText ? { text: body.prompt } : toConversation(body);
}

/** Throws InvalidInputError for parts that are not text. */
export function toConversation(body: TemplateRequest): Prompt {
  refuseUnsupported(body);
  return toGenerateInput(body).prompt;
}

/** Tokens as the server has them whose body it was. */
export function toTokens(
  body: TokenizeRequest,
  { tokens }: TokenizeOutput,
  contextLength: number | undefined,
): VllmTokens | LlamaTokens {
  const ids = tokens.map(({ id }) => id);
  if ('content' in body)
    return { tokens: body.with_pieces ? tokens.map(({ id, text }) => ({ id, piece: text })) : ids };
  return {
    count: ids.length,
    max_model_len: contextLength ?? null,
    tokens: ids,
    token_strs: body.return_token_strs ? tokens.map(({ text }) => text) : null,
  };
}
