import { z } from 'zod';
import { expectError, fetchJson } from '../answers.ts';
import { countsOf, seconds, Usage } from '../chat-calls.ts';
import type { Check } from '../check.ts';
import { complete, completionBody, COMPLETIONS, PROMPT, streamCompletion, joinedText, tryComplete, wholeCompletion } from '../completion-calls.ts'; // prettier-ignore
import { SkippedError } from '../errors.ts';
import { expectEqual, expectShape, expectThat, retryMismatch } from '../expectations.ts';
import { longText } from '../long-text.ts';

const Completion = z.looseObject({
  id: z.string().min(1),
  object: z.literal('text_completion'),
  created: seconds,
  model: z.string().min(1),
  choices: z
    .array(
      z.looseObject({
        index: z.int(),
        text: z.string(),
        finish_reason: z.enum(['stop', 'length', 'content_filter']),
        logprobs: z.null(),
      }),
    )
    .length(1),
  usage: Usage,
});

/** Small numbers are token ids in every vocabulary. */
const TOKENS = [1000, 1001, 1002];

const indexesOf = (choices: readonly { index?: unknown }[]) => choices.map(({ index }) => index).join();

/** Values below and above the ranges of OpenAI's specification. */
const ranges: readonly (readonly [param: string, values: readonly unknown[]])[] = [
  ['temperature', [-0.1, 2.1]],
  ['top_p', [-0.1, 1.1]],
  ['presence_penalty', [-2.1, 2.1]],
  ['frequency_penalty', [-2.1, 2.1]],
  ['n', [0, 129]],
  ['max_tokens', [-1]],
  ['logprobs', [-1, 6]],
];

const wrong: readonly (readonly [id: string, title: string, more: object, param: string])[] = [
  ['prompt-empty-list', 'an empty list of prompts is refused', { prompt: [] }, 'prompt'],
  ['prompt-type', 'a prompt that is an object is refused', { prompt: { text: 'x' } }, 'prompt'],
  ['prompt-mixed', 'a list that mixes strings and tokens is refused', { prompt: ['a', 1] }, 'prompt'],
  ['stop-five', 'five stop strings are refused', { stop: ['\u0001a', '\u0001b', '\u0001c', '\u0001d', '\u0001e'] }, 'stop'], // prettier-ignore
  ['stream-options-alone', 'stream_options without stream is refused', { stream_options: { include_usage: true } }, 'stream_options'], // prettier-ignore
  ['best-of-small', 'best_of below n is refused', { n: 2, best_of: 1 }, 'best_of'],
  ['best-of-stream', 'best_of with stream is refused', { best_of: 2, stream: true }, 'best_of'],
];

export const completionChecks: readonly Check[] = [
  {
    id: 'completions.fields',
    title: 'an answer has the fields that the API requires, and usage adds up',
    why: 'Typed clients fail to decode an answer that lacks one.',
    async run(context) {
      expectShape(Completion, await fetchJson(context, { path: COMPLETIONS, body: completionBody(context) }), 'answer');
    },
  },
  {
    id: 'completions.max-tokens-default',
    title: 'max_tokens is 16 by default',
    why: 'Old clients omit it and expect a short answer, not an answer up to the end of the context.',
    async run(context) {
      const answer = await complete(context, { max_tokens: undefined });
      const { choices } = answer;
      const { completion_tokens: tokens } = countsOf(answer);
      expectThat(tokens <= 16 && (tokens === 16 || choices[0]!.finish_reason === 'stop'), '16 tokens, or an earlier stop', { tokens, choices }); // prettier-ignore
    },
  },
  {
    id: 'completions.prompts',
    title: 'several prompts give a choice each, indexed in their order',
    why: 'Evaluation harnesses send batches and read them by index.',
    async run(context) {
      const { choices } = await complete(context, { prompt: [PROMPT, 'A, B, C, D,'] });
      expectEqual(indexesOf(choices), '0,1', 'the indexes');
      const single = [(await wholeCompletion(context)).choices[0]!.text, (await complete(context, { prompt: 'A, B, C, D,' })).choices[0]!.text]; // prettier-ignore
      const first = (text: string) => text.trim().slice(0, 4);
      const swapped = choices.map(({ text }) => first(text)).join() === [...single].reverse().map(first).join();
      expectThat(!swapped || first(single[0]!) === first(single[1]!), 'the texts in the order of their prompts', choices); // prettier-ignore
    },
  },
  {
    id: 'completions.tokens',
    title: 'a prompt of tokens is taken as it is',
    why: 'lm-evaluation-harness and LangChain’s splitter send tokens.',
    async run(context) {
      const answer = await complete(context, { prompt: TOKENS, max_tokens: 2 });
      const { choices } = answer;
      expectEqual(choices.length, 1, 'the number of choices');
      expectEqual(countsOf(answer).prompt_tokens, TOKENS.length, 'prompt_tokens');
    },
  },
  {
    id: 'completions.token-lists',
    title: 'several prompts of tokens give a choice each',
    why: 'The same clients send them in batches.',
    async run(context) {
      const { choices } = await complete(context, { prompt: [TOKENS, TOKENS.slice(1)], max_tokens: 2 });
      expectEqual(indexesOf(choices), '0,1', 'the indexes');
    },
  },
  {
    id: 'completions.n',
    title: 'n choices for each prompt, indexed through',
    why: 'Clients take choices[n · prompt + i].',
    async run(context) {
      const more = { prompt: [PROMPT, 'A, B, C,'], n: 2, temperature: 1, max_tokens: 2 };
      expectEqual(indexesOf((await complete(context, more)).choices), '0,1,2,3', 'the indexes');
    },
  },
  {
    id: 'completions.echo',
    title: 'echo begins the text with the prompt',
    why: 'Scoring tools read the prompt back.',
    mayRefuse: ['echo'],
    async run(context) {
      const { text } = (await complete(context, { echo: true })).choices[0]!;
      const [plain] = (await wholeCompletion(context)).choices;
      expectThat(text.startsWith(PROMPT), `a text that begins with ${JSON.stringify(PROMPT)}`, text);
      expectThat(text.length > PROMPT.length || plain!.text === '', 'the prompt and more', text);
    },
  },
  {
    id: 'completions.stop',
    title: 'a stop string ends the text and is left out of it, streamed too',
    why: 'Few-shot prompts end their examples with a marker.',
    run: (context) =>
      retryMismatch(async (first) => {
        const { text } = (await (first ? wholeCompletion(context) : complete(context))).choices[0]!;
        const stop = text.slice(Math.floor(text.length / 2)).slice(0, 4);
        if (stop.trim() === '') throw new SkippedError('the text of the model is too short for a stop string');
        const before = text.slice(0, text.indexOf(stop));
        const [choice] = (await complete(context, { stop: [stop] })).choices;
        expectEqual(choice!.text, before, 'the text');
        expectEqual(String(choice!.finish_reason), 'stop', 'finish_reason');
        expectEqual(joinedText(await streamCompletion(context, { stop })), before, 'the streamed text');
      }),
  },
  {
    id: 'completions.best-of',
    title: 'best_of gives one choice of several',
    why: 'A server must honour or refuse it. If it is ignored, the quality is lower without notice.',
    mayRefuse: ['best_of'],
    async run(context) {
      const { choices } = await complete(context, { best_of: 2, temperature: 1, max_tokens: 2 });
      expectEqual(choices.length, 1, 'the number of choices');
    },
  },
  {
    id: 'completions.unknown-fields',
    title: 'unknown fields are ignored, and nulls equal absence',
    why: 'Clients may be newer than the server, and typed clients write null.',
    async run(context) {
      const names = 'best_of echo logit_bias logprobs n presence_penalty frequency_penalty seed stop stream stream_options suffix temperature top_p'; // prettier-ignore
      const nulls = Object.fromEntries(names.split(' ').map((name) => [name, null]));
      await complete(context, { ...nulls, x_unknown: { a: 1 }, user: 'someone', max_tokens: 2 });
    },
  },
  ...ranges.map(([param, values]): Check => ({
    id: `completions.range.${param.replaceAll('_', '-')}`,
    title: `${param} out of range is a 400 that names it`,
    why: 'Clients show the error. They retry a 422 or a 500, or treat it as a broken server.',
    async run(context) {
      for (const value of values) expectError(await tryComplete(context, { [param]: value }), { status: 400, param });
    },
  })),
  ...wrong.map(([id, title, more, param]): Check => ({
    id: `completions.invalid.${id}`,
    title,
    why: 'A wrong request must get an error that the SDKs can read.',
    async run(context) {
      expectError(await tryComplete(context, more), { status: 400, param });
    },
  })),
  {
    id: 'completions.unknown-model',
    title: 'an unknown model is a 404 with code model_not_found',
    why: 'Routers fall back to another model by this code.',
    async run(context) {
      const answer = await tryComplete(context, { model: 'no-such-model' });
      expectError(answer, { status: 404, code: 'model_not_found' });
    },
  },
  {
    id: 'completions.context-length',
    title: 'a prompt that does not fit is a 400 with code context_length_exceeded',
    why: 'Clients shorten their prompt by this code.',
    async run(context) {
      const answer = await tryComplete(context, { prompt: longText(context), max_tokens: 1 });
      expectError(answer, { status: 400, code: 'context_length_exceeded' });
    },
  },
];
