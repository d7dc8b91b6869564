import { z } from 'zod';
import type { Check, Context } from '../check.ts';
import { complete, type CompletionAnswer, PROMPT, wholeCompletion } from '../completion-calls.ts';
import { RefusedError } from '../errors.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';

const Logprobs = z
  .looseObject({
    tokens: z.array(z.string()).min(1),
    token_logprobs: z.array(z.number().max(0).nullable()),
    top_logprobs: z.array(z.record(z.string(), z.number()).nullable()).nullable(),
    text_offset: z.array(z.int().min(0)),
  })
  .refine(
    ({ tokens, token_logprobs, top_logprobs, text_offset }) =>
      [token_logprobs, text_offset, top_logprobs ?? tokens].every(({ length }) => length === tokens.length),
    'parallel arrays of one length',
  );

/** A server without alternatives may refuse them. Then the log probabilities of the chosen tokens are checked. */
async function completeWithLogprobs(context: Context, more: object = {}): Promise<CompletionAnswer> {
  try {
    return await complete(context, { ...more, logprobs: 1 });
  } catch (error) {
    if (!(error instanceof RefusedError && error.names('logprobs'))) throw error;
    return complete(context, { ...more, logprobs: 0 });
  }
}

export const completionLogprobChecks: readonly Check[] = [
  {
    id: 'completions.logprobs.fields',
    title: 'logprobs gives parallel arrays of tokens, logprobs, alternatives and offsets',
    why: 'lm-evaluation-harness reads them in parallel.',
    mayRefuse: ['logprobs'],
    async run(context) {
      const [choice] = (await completeWithLogprobs(context)).choices;
      const { tokens } = expectShape(Logprobs, choice!.logprobs, 'logprobs');
      const text = tokens.join('');
      expectThat(text === choice!.text || tokens.slice(0, -1).join('') === choice!.text, `tokens that join to ${JSON.stringify(choice!.text)}`, text); // prettier-ignore
    },
  },
  {
    id: 'completions.logprobs.top',
    title: 'logprobs: 2 gives two alternatives of each token',
    why: 'Scoring tools check whether the expected token is the best.',
    mayRefuse: ['logprobs'],
    async run(context) {
      const [choice] = (await complete(context, { logprobs: 2, max_tokens: 4 })).choices;
      const { top_logprobs: top } = expectShape(Logprobs, choice!.logprobs, 'logprobs');
      // The chosen token may be added if it is not one of the best.
      for (const one of top ?? [null]) expectThat([2, 3].includes(Object.keys(one ?? {}).length), 'two alternatives', one); // prettier-ignore
    },
  },
  {
    id: 'completions.logprobs.zero',
    title: 'logprobs: 0 gives the log probabilities of the chosen tokens',
    why: 'Servers may treat the 0 as false.',
    mayRefuse: ['logprobs'],
    async run(context) {
      const [choice] = (await complete(context, { logprobs: 0, max_tokens: 4 })).choices;
      expectShape(Logprobs, choice!.logprobs, 'logprobs');
    },
  },
  {
    id: 'completions.logprobs.offsets',
    title: 'offsets count from the beginning of the prompt and rise',
    why: 'Clients use them to find the end of the prompt.',
    mayRefuse: ['logprobs'],
    async run(context) {
      const [choice] = (await completeWithLogprobs(context)).choices;
      const { text_offset: offsets } = expectShape(Logprobs, choice!.logprobs, 'logprobs');
      expectEqual(offsets[0]!, PROMPT.length, 'the first offset');
      expectThat(
        offsets.every((offset, i) => i === 0 || offset >= offsets[i - 1]!),
        'rising offsets',
        offsets,
      );
    },
  },
  {
    id: 'completions.logprobs.echo',
    title: 'echo with logprobs gives those of the prompt, the first of which is null',
    why: 'Log-likelihood tasks of evaluation harnesses need it.',
    mayRefuse: ['echo', 'logprobs'],
    async run(context) {
      const [choice] = (await completeWithLogprobs(context, { echo: true, max_tokens: 1 })).choices;
      const { tokens, token_logprobs, text_offset } = expectShape(Logprobs, choice!.logprobs, 'logprobs');
      expectEqual(token_logprobs[0]!, null, 'the logprob of the first token');
      expectThat(token_logprobs.slice(1).every((value) => typeof value === 'number'), 'numbers after it', token_logprobs); // prettier-ignore
      expectEqual(text_offset[0]!, 0, 'the first offset');
      expectThat(tokens.join('').startsWith(PROMPT), `tokens that begin with ${JSON.stringify(PROMPT)}`, tokens);
    },
  },
  {
    id: 'completions.logit-bias',
    title: 'logit_bias changes the text',
    why: 'Multiple-choice prompts use it to allow only the letters of the answers.',
    mayRefuse: ['logit_bias'],
    async run(context) {
      const plain = (await wholeCompletion(context)).choices[0]!.text;
      const [forced] = (await complete(context, { logit_bias: { 1000: 100 } })).choices;
      expectThat(forced!.text !== plain, 'another text with one token forced', plain);
    },
  },
];
