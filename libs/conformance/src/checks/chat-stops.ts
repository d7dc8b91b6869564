import { ask, chat, choicesOf, joined, QUESTION, streamChat, textOf, tryChat, wholeChat } from '../chat-calls.ts';
import { expectError } from '../answers.ts';
import type { Check, Context } from '../check.ts';
import { SkippedError } from '../errors.ts';
import { expectEqual, expectThat, retryMismatch } from '../expectations.ts';

/** A stop string from the middle of the model's text, across a word border, and the text before its first match. */
async function findStop(context: Context, first: boolean): Promise<{ stop: string; before: string }> {
  const text = textOf(await (first ? wholeChat(context) : chat(context)));
  const from = Math.floor(text.length / 2);
  const stop = text.slice(from, from + 6);
  if (stop.trim() === '') throw new SkippedError('the text of the model is too short for a stop string');
  return { stop, before: text.slice(0, text.indexOf(stop)) };
}

function expectStopped(text: string, reason: unknown, { stop, before }: { stop: string; before: string }): void {
  expectThat(!text.includes(stop), `a text without ${JSON.stringify(stop)}`, text);
  expectThat(text === before, `the text up to the stop string, ${JSON.stringify(before)}`, text);
  expectThat(reason === 'stop', 'finish_reason "stop"', reason);
}

const never = ['\u0001x', '\u0001y', '\u0001z'];

export const chatStopChecks: readonly Check[] = [
  {
    id: 'chat.stop.string',
    title: 'a stop string ends the text and is left out of it',
    why: 'ReAct agents and few-shot prompts cut at a marker, and would otherwise read it as text.',
    run: (context) =>
      retryMismatch(async (first) => {
        const found = await findStop(context, first);
        const answer = await chat(context, { stop: found.stop });
        expectStopped(textOf(answer), answer.choices[0]!.finish_reason, found);
      }),
  },
  {
    id: 'chat.stop.list',
    title: 'four stop strings are taken, and any of them ends the text',
    why: 'LangChain always sends stop as a list.',
    run: (context) =>
      retryMismatch(async (first) => {
        const found = await findStop(context, first);
        const answer = await chat(context, { stop: [...never, found.stop] });
        expectStopped(textOf(answer), answer.choices[0]!.finish_reason, found);
      }),
  },
  {
    id: 'chat.stop.stream',
    title: 'a stop string that spans tokens does not leak into a stream',
    why: 'A client cannot remove text that was already streamed.',
    run: (context) =>
      retryMismatch(async (first) => {
        const found = await findStop(context, first);
        const stream = await streamChat(context, { stop: found.stop });
        expectStopped(joined(stream), choicesOf(stream).at(-1)?.finish_reason, found);
      }),
  },
  {
    id: 'chat.stop.five',
    title: 'five stop strings are refused',
    why: 'The limit is four. Otherwise servers ignore the others without an error.',
    async run(context) {
      expectError(await tryChat(context, { stop: [...never, '\u0001a', '\u0001b'] }), { status: 400, param: 'stop' });
    },
  },
  {
    id: 'chat.logit-bias',
    title: 'logit_bias changes the text',
    why: 'Classifiers use it to allow only a few tokens. If it is ignored, they get other text.',
    mayRefuse: ['logit_bias'],
    async run(context) {
      const plain = textOf(await wholeChat(context));
      // Id 1000 is a token in every vocabulary.
      const forced = await chat(context, { logit_bias: { 1000: 100 } });
      expectThat(textOf(forced) !== plain, 'another text with one token forced', plain);
    },
  },
  {
    id: 'chat.utf8',
    title: 'the text has no replacement characters, streamed or not',
    why: 'A character that is cut between two tokens becomes unreadable in most languages other than English.',
    async run(context) {
      const messages = ask(`Repeat exactly: 🙂 日本語 Ünïcödé 🦊. ${QUESTION}`);
      const [whole, stream] = [await chat(context, { messages }), await streamChat(context, { messages })];
      expectThat(!/\uFFFD/.test(textOf(whole) + joined(stream)), 'no U+FFFD', [textOf(whole), joined(stream)]);
    },
  },
  {
    id: 'chat.stop.null',
    title: 'stop: null stops nothing',
    why: 'SDKs of typed languages send it.',
    async run(context) {
      const answer = await chat(context, { stop: null, max_tokens: 2 });
      expectEqual(answer.choices.length, 1, 'the number of choices');
    },
  },
];
