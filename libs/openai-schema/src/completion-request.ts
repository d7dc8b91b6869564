import { z } from 'zod';
import { checkExtensions } from './generate-extensions.ts';
import { checkResponseFormat, ResponseFormat } from './response-format.ts';
import { checkStreamOptions, samplingFields } from './sampling-fields.ts';
import { textOrTokens } from './text-or-tokens.ts';

/** The most choices of one request: the number of prompts times the choices per prompt. */
const MAX_CHOICES = 2048;

/**
 * The body of `POST /v1/completions`: every field of OpenAI's API. Unknown fields are dropped; an explicit null of an
 * optional field means absent. The service decides which fields it honours.
 */
export const CompletionRequest = z
  .object({
    model: z.string().nullish().describe('Default: the served model. A strict service requires it.'),
    prompt: textOrTokens({ maxItems: MAX_CHOICES, emptyText: true })
      .nullish()
      .describe('One text, several texts, the tokens of one text, or the tokens of several. Each is continued alone.'),

    ...samplingFields,
    max_tokens: z.int().min(0).nullish().describe('Default 16.'),
    echo: z.boolean().nullish().describe('Put the prompt before each text.'),
    logprobs: z
      .int()
      .min(0)
      .max(5)
      .nullish()
      .describe('Alternatives per token. 0: only the probability of the token itself.'),
    best_of: z
      .int()
      .min(0)
      .max(20)
      .nullish()
      .describe('The number of texts to generate; the answer has the n most probable texts.'),
    suffix: z.string().nullish(),
    response_format: ResponseFormat.nullish().describe('The shape of each text. Not in OpenAI’s API.'),
  })
  .superRefine((request, context) => {
    const issue = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    checkStreamOptions(request, context);
    checkResponseFormat(request, context);
    checkExtensions(request, context);
    const n = request.n ?? 1;
    const bestOf = request.best_of || n;
    if (bestOf < n) issue('best_of', `expected at least n, which is ${n}`);
    if (bestOf > n && request.stream === true)
      issue('best_of', 'only allowed without stream: which is best is known at the end');
    const choices = promptsOf(request.prompt) * bestOf;
    if (choices > MAX_CHOICES)
      issue(bestOf > n ? 'best_of' : 'n', `expected at most ${MAX_CHOICES} choices for all prompts, got ${choices}`);
  })
  .meta({ id: 'CompletionRequest' });
export type CompletionRequest = z.infer<typeof CompletionRequest>;

/** The number of prompts; a list of tokens is one prompt. */
function promptsOf(prompt: unknown): number {
  return Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1;
}
