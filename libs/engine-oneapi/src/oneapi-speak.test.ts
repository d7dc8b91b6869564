import { deepStrictEqual } from 'node:assert';
import type { SpeakEvent } from '@xim/engine';
import { describeEngine } from '@xim/engine/testing';
import { createEngine, modelOf } from './__fixtures__/engines.ts';
import { speakPython } from './__fixtures__/speech.ts';

const speech = modelOf('speech');
const sentence = 'The sea is a vast body of water, and nobody has seen all of it. ';

describeEngine({
  name: 'oneapi: speak',
  create: () => createEngine(speech, { python: speakPython }),
  createFaulty: (fault) =>
    // A missing voice stays missing; a worker that ends at once may start again.
    fault === 'permanent'
      ? createEngine(speech, { python: speakPython, options: { voices: ['nobody'] } })
      : createEngine(speech, { python: '/bin/ls' }),
  timeoutMs: 120_000,
  concurrent: 20,
  // The program that makes phonemes is started anew.
  ranks: 1,
  samples: {
    speak: {
      quick: { text: 'Hello there.', format: 'wav', seed: 1 },
      long: { text: 'The sea is vast. '.repeat(480), format: 'pcm', speed: 0.25, seed: 1 },
      large: { text: sentence.repeat(4), format: 'pcm', speed: 0.25, seed: 1 },
      more: [
        { text: 'Hello there. And again.', format: 'wav', voice: 'en_US-joe-medium', speed: 4 },
        { text: '9', format: 'mp3' },
        { text: '日本 👋 <b>x</b>', format: 'opus', seed: -1 },
        { text: 'x'.repeat(1000), format: 'flac', speed: 4 },
        { text: 'Two. Three.', format: 'aac' },
      ],
      bad: [
        { what: 'a text without words', input: { text: '...', format: 'wav' }, param: 'text' },
        { what: 'an unknown voice', input: { text: 'a', format: 'wav', voice: 'nobody' }, param: 'voice' },
        { what: 'a speed out of range', input: { text: 'a', format: 'wav', speed: 5 }, param: 'speed' },
        {
          what: 'instructions',
          input: { text: 'a', format: 'wav', instructions: 'Whisper.' },
          code: 'XIM_UNSUPPORTED_PARAMETER',
          param: 'instructions',
        },
      ],
      numbered: (number) => ({
        input: { text: `Go.${' '.repeat(number)}`, format: 'pcm' },
        check: (events) => deepStrictEqual(charactersOf(events), 3 + number),
      }),
    },
  },
});

function charactersOf([start]: readonly SpeakEvent[]): number | undefined {
  return start?.type === 'start' ? start.inputCharacters : undefined;
}
