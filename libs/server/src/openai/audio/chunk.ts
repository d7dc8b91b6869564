import type { TranscribeEvent } from '@xim/engine';
import type { TranscriptionLogprob, TranscriptionStreamEvent } from '@xim/openai-schema';
import { toDiarizedSegment, toLogprobs, toTokenUsage } from './response.ts';

export interface StreamShape {
  readonly diarized: boolean;
  readonly logprobs: boolean;
}

/**
 * Makes the writer of one stream: an event of the call → events of the stream. The deltas, joined, are the text of
 * `transcript.text.done`: space at a segment's end waits for the next one.
 */
export function createTranscriptChunks(shape: StreamShape): (event: TranscribeEvent) => TranscriptionStreamEvent[] {
  let text = '';
  let space = '';
  const all: TranscriptionLogprob[] = [];

  return (event) => {
    if (event.type === 'segment') {
      const { segment } = event;
      const logprobs = shape.logprobs ? toLogprobs(segment.logprobs) : [];
      all.push(...logprobs);
      const spaced = space + segment.text;
      const delta = text === '' ? spaced.trim() : spaced.trimEnd();
      if (delta.trim() === '') {
        if (text !== '') space = spaced;
        return [];
      }
      space = spaced.slice(spaced.trimEnd().length);
      text += delta;
      const turn = shape.diarized ? toDiarizedSegment(segment) : undefined;
      return [
        {
          type: 'transcript.text.delta',
          delta,
          ...(shape.logprobs && { logprobs }),
          ...(turn && { segment_id: turn.id }),
        },
        ...(turn ? [turn] : []),
      ];
    }
    if (event.type !== 'end') return [];
    const { usage } = event;
    return [
      {
        type: 'transcript.text.done',
        text,
        ...(shape.logprobs && { logprobs: all }),
        ...(usage && { usage: toTokenUsage(usage) }),
      },
    ];
  };
}
