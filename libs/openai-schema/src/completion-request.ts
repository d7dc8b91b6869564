import { z } from 'zod';
import { checkExtensions } from './generate-extensions.ts';
import { checkResponseFormat, ResponseFormat } from './response-format.ts';
import { checkStreamOptions, samplingFields } from './sampling-fields.ts';
import { textOrTokens } from './text-or-tokens.ts';

/** Choices of one request: its prompts, times how many each gets. */
const MAX_CHOICES = 2048;

/**
 * The body of `POST /v1/completions`: every field of OpenAI's API. Unknown fields are dropped; an explicit null of an
 * optional field equals its absence. Which of these a service honours is the service's business.
 */
export const CompletionRequest = z
  .object({
    model: z.string().nullish().describe('Left out, it is the one that is served, unless the service is strict.'),
    prompt: textOrTokens({ maxItems: MAX_CHOICES, emptyText: true })
      .nullish()
      .describe('What to continue: a text, texts, the tokens of one, or of several. Each is continued for itself.'),

    ...samplingFields,
    max_tokens: z.int().min(0).nullish().describe('Default 16.'),
    echo: z.boolean().nullish().describe('Begin each text with its prompt.'),
    logprobs: z.int().min(0).max(5).nullish().describe('Alternatives per token; 0: the token’s own probability.'),
    best_of: z.int().min(0).max(20).nullish().describe('Generate so many, answer the n most probable of them.'),
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

/** Tokens without brackets around them are one prompt. */
function promptsOf(prompt: unknown): number {
  return Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1;
}
