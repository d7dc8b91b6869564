import { InvalidInputError, type SpeakEvent, type SpeakInput } from '@xim/engine';
import type { SpeechAudioDeltaEvent, SpeechAudioDoneEvent, SpeechRequest } from '@xim/openai-schema';

/** Names of the task's input → names of the request, for what an engine finds wrong. */
export const speakParamNames = { text: 'input', format: 'response_format' } as const;

/**
 * Throws InvalidInputError for a text that is too long, and what `toVoice` throws.
 *
 * @param toVoice the model's voice for a name that a client sent
 * @param maxCharacters Unicode characters that `input` may have
 */
export function toSpeakInput(
  request: SpeechRequest,
  toVoice: (name: string) => string,
  maxCharacters: number,
): SpeakInput {
  const { input, voice, instructions, response_format: format, speed, seed } = request;
  // A character has one or two UTF-16 units, so that most texts need no counting.
  if (input.length > maxCharacters && (input.length > 2 * maxCharacters || [...input].length > maxCharacters)) {
    throw new InvalidInputError(
      `The value of "input" is too long: expected at most ${maxCharacters} characters. Send the text in parts, or ` +
        'raise XIM_MAX_INPUT_CHARACTERS.',
      { param: 'text' },
    );
  }
  return {
    text: input,
    voice: toVoice(typeof voice === 'string' ? voice : voice.id),
    format: format ?? 'mp3',
    speed: speed ?? undefined,
    // An empty text asks for nothing.
    instructions: instructions || undefined,
    seed: seed ?? undefined,
  };
}

/** An event → the data of its frames. */
export function toSpeechFrames(event: SpeakEvent): string[] {
  switch (event.type) {
    case 'audio': {
      const { buffer, byteOffset, byteLength } = event.bytes;
      const audio = Buffer.from(buffer, byteOffset, byteLength).toString('base64');
      return [JSON.stringify({ type: 'speech.audio.delta', audio } satisfies SpeechAudioDeltaEvent)];
    }
    case 'end': {
      const { inputTokens, outputTokens } = event.usage;
      const usage = {
        input_tokens: inputTokens,
        output_tokens: outputTokens,
        total_tokens: inputTokens + outputTokens,
      };
      return [JSON.stringify({ type: 'speech.audio.done', usage } satisfies SpeechAudioDoneEvent)];
    }
    default:
      return [];
  }
}
