import { ChatCompletionRequest } from '@xim/openai-schema';
import { z } from 'zod';

/* The wire of vLLM's and llama.cpp's routes for tokens. */

const model = z.string().nullish().describe('Left out, it is the one that is served, unless the service is strict.');
const vllm = { model, add_special_tokens: z.boolean().nullish(), return_token_strs: z.boolean().nullish() };
const { messages, tools, add_generation_prompt, continue_final_message, chat_template_kwargs } =
  ChatCompletionRequest.shape;
const conversation = { messages, tools, add_generation_prompt, continue_final_message, chat_template_kwargs };

/** Bodies of `POST /tokenize` beside that of Text Generation Inference. */
export const VllmTextRequest = z.object({ prompt: z.string(), ...vllm }).meta({ id: 'VllmTokenizeTextRequest' });
export const VllmChatRequest = z.object({ ...conversation, ...vllm }).meta({ id: 'VllmTokenizeChatRequest' });
export const LlamaTextRequest = z
  .object({
    content: z.string(),
    add_special: z.boolean().nullish(),
    with_pieces: z.boolean().nullish().describe('Each token with its text.'),
  })
  .meta({ id: 'LlamaTokenizeRequest' });
export type TokenizeRequest = z.infer<typeof VllmTextRequest | typeof VllmChatRequest | typeof LlamaTextRequest>;

export const VllmTokens = z
  .object({
    count: z.int(),
    max_model_len: z.int().nullable().describe('Tokens of prompt and answer together; null while nobody knows.'),
    tokens: z.array(z.int()),
    token_strs: z.array(z.string()).nullable(),
  })
  .meta({ id: 'VllmTokens' });
export type VllmTokens = z.infer<typeof VllmTokens>;
export const LlamaTokens = z
  .object({ tokens: z.union([z.array(z.int()), z.array(z.object({ id: z.int(), piece: z.string() }))]) })
  .meta({ id: 'LlamaTokens' });
export type LlamaTokens = z.infer<typeof LlamaTokens>;

export const DetokenizeRequest = z.object({ model, tokens: z.array(z.int().min(0)) }).meta({ id: 'DetokenizeRequest' });
export type DetokenizeRequest = z.infer<typeof DetokenizeRequest>;
export const DetokenizedText = z
  .object({ prompt: z.string(), content: z.string().describe('The same, where clients of llama.cpp look for it.') })
  .meta({ id: 'DetokenizedText' });

export const TemplateRequest = z.object({ model, ...conversation }).meta({ id: 'TemplateRequest' });
export type TemplateRequest = z.infer<typeof TemplateRequest>;
export const TemplatedText = z
  .object({ prompt: z.string().describe('The conversation as the model’s template writes it.') })
  .meta({ id: 'TemplatedText' });
