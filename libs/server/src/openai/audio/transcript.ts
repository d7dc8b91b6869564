import type { Segment, TranscribeEvent, Usage } from '@xim/engine';
import { IncompleteError } from '../../errors/errors.ts';

/** All that a call said. */
export interface Transcript {
  /** Seconds. */
  readonly duration: number;
  readonly language: string;
  /** Without the space around it. */
  readonly text: string;
  readonly segments: readonly Segment[];
  readonly usage?: Usage | undefined;
}

/** Reads a call to its end. Throws what the call throws, and IncompleteError where it has no end. */
export async function joinTranscript(events: AsyncIterable<TranscribeEvent>): Promise<Transcript> {
  const segments: Segment[] = [];
  for await (const event of events) {
    if (event.type === 'segment') segments.push(event.segment);
    if (event.type !== 'end') continue;
    const { duration, language, usage } = event;
    return { duration, language, usage, segments, text: segments.map(({ text }) => text).join('').trim() }; // prettier-ignore
  }
  throw new IncompleteError();
}

/**
 * How answers call an engine's speakers: known ones by their name, `SPEAKER_00` … as `A`, `B` …, `AA` after `Z`, and
 * "unknown" where no voice could be told.
 */
export function toSpeakerName(speaker: string | undefined): string {
  if (speaker === undefined) return 'unknown';
  const number = /^SPEAKER_(\d+)$/.exec(speaker)?.[1];
  if (number === undefined) return speaker;
  let letters = '';
  for (let rest = Number(number); rest >= 0; rest = Math.floor(rest / 26) - 1) {
    letters = String.fromCharCode(65 + (rest % 26)) + letters;
  }
  return letters;
}
