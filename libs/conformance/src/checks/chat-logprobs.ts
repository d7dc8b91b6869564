import { z } from 'zod';
import { chat, choicesOf, joined, streamChat, textOf, TokenLogprob } from '../chat-calls.ts';
import type { Check, Context } from '../check.ts';
import { expectShape, expectThat } from '../expectations.ts';

type Entry = z.infer<typeof TokenLogprob>;

const Logprobs = z.looseObject({ content: z.array(TokenLogprob).min(1), refusal: z.array(z.unknown()).nullable() });
/** What the other checks read; `chat.logprobs.fields` checks the other fields. */
const Entries = z.looseObject({ content: z.array(TokenLogprob).min(1) });
const Streamed = z.looseObject({ content: z.array(TokenLogprob) });

const answered = (context: Context) => context.shared('chat.logprobs', (own) => chat(own, { logprobs: true }));

/** Joins the bytes, since a token may end inside a character. */
function toText(entries: readonly Entry[]): string {
  if (entries.some(({ bytes }) => bytes === null)) return entries.map(({ token }) => token).join('');
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(entries.flatMap(({ bytes }) => bytes!)));
}

/** The entries may include the token that ended the text. */
function expectJoined(entries: readonly Entry[], text: string): void {
  const all = toText(entries);
  const withoutEnd = toText(entries.slice(0, -1));
  expectThat(all === text || withoutEnd === text, `tokens that join to ${JSON.stringify(text)}`, all);
}

export const chatLogprobChecks: readonly Check[] = [
  {
    id: 'chat.logprobs.fields',
    title: 'logprobs: true gives token, logprob, bytes and top_logprobs of each token',
    why: 'Evaluation and confidence tools read all of them.',
    mayRefuse: ['logprobs'],
    async run(context) {
      const { choices } = await answered(context);
      expectShape(Logprobs, choices[0]!.logprobs, 'logprobs');
    },
  },
  {
    id: 'chat.logprobs.joined',
    title: 'the joined tokens equal the text',
    why: 'Tools map tokens back to words by their lengths.',
    mayRefuse: ['logprobs'],
    async run(context) {
      const answer = await answered(context);
      expectJoined(expectShape(Entries, answer.choices[0]!.logprobs, 'logprobs').content, textOf(answer));
    },
  },
  {
    id: 'chat.logprobs.top',
    title: 'top_logprobs gives so many alternatives, the best first',
    why: 'Classifiers compare the probabilities of their labels.',
    mayRefuse: ['top_logprobs', 'logprobs'],
    async run(context) {
      const answer = await chat(context, { logprobs: true, top_logprobs: 3, max_tokens: 4 });
      const { content } = expectShape(Entries, answer.choices[0]!.logprobs, 'logprobs');
      for (const { top_logprobs: top } of content) {
        expectThat(top.length === 3, '3 alternatives', top);
        const falls = top.every(({ logprob }, i) => i === 0 || logprob <= top[i - 1]!.logprob);
        expectThat(falls, 'the best one first', top);
      }
    },
  },
  {
    id: 'chat.logprobs.stream',
    title: 'logprobs travel with the deltas of a stream',
    why: 'User interfaces colour the text while it arrives.',
    mayRefuse: ['logprobs'],
    async run(context) {
      const stream = await streamChat(context, { logprobs: true });
      const entries = choicesOf(stream).flatMap(({ logprobs }) =>
        logprobs == null ? [] : expectShape(Streamed, logprobs, 'logprobs').content,
      );
      expectThat(entries.length > 0, 'logprobs in deltas', stream.chunks[1]);
      expectJoined(entries, joined(stream));
    },
  },
];
