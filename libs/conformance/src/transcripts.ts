import { z } from 'zod';
import { expectEqual, expectThat } from './expectations.ts';

/** The forms of transcripts, and their times. */

export const Text = z.looseObject({ text: z.string() });
const Span = z.looseObject({ start: z.number().min(0), end: z.number().min(0) });
export const Verbose = z.looseObject({
  language: z.string().regex(/^[a-z]{4,}( [a-z]+)*$/, 'expected an English name in lower case'),
  duration: z.number(),
  text: z.string(),
  segments: z
    .array(
      Span.extend({
        id: z.int(),
        seek: z.number(),
        text: z.string(),
        tokens: z.array(z.int()),
        temperature: z.number(),
        avg_logprob: z.number(),
        compression_ratio: z.number(),
        no_speech_prob: z.number(),
      }),
    )
    .optional(),
  words: z.array(Span.extend({ word: z.string().min(1) })).optional(),
});
export const Scored = Text.extend({
  logprobs: z.array(
    z.looseObject({ token: z.string(), logprob: z.number().max(0), bytes: z.array(z.int().min(0).max(255)) }),
  ),
});

export const Diarized = z.looseObject({
  task: z.literal('transcribe'),
  duration: z.number(),
  text: z.string(),
  segments: z.array(
    Span.extend({ type: z.literal('transcript.text.segment'), id: z.string(), text: z.string(), speaker: z.string() }),
  ),
});

export function expectRising(spans: readonly { start: number; end: number }[], duration: number): void {
  let before = 0;
  for (const { start, end } of spans) {
    expectThat(start >= before && end >= start && end <= duration + 0.1, 'times that rise within the duration', {
      start,
      end,
      duration,
    });
    before = start;
  }
}

/** Expects a subtitle file that has only cues, with times that rise. */
export function expectCues(text: string, cue: RegExp, duration: number): void {
  const seconds = (time: string) => time.replace(',', '.').split(':').reduce((sum, part) => sum * 60 + Number(part), 0); // prettier-ignore
  const cues = [...text.matchAll(cue)];
  expectEqual(text.replace(cue, '').trim(), '', 'all that is not a cue');
  expectRising(cues.map(([, start, end]) => ({ start: seconds(start!), end: seconds(end!) })), duration); // prettier-ignore
}
