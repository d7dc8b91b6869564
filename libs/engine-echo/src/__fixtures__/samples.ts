import { deepStrictEqual } from 'node:assert';
import type { GenerateEvent, SpeakEvent, TranscribeEvent } from '@xim/engine';
import type { EngineSuite } from '@xim/engine/testing';

/** A mono WAV file of silence, 8 bits and `sampleRate` samples per second. */
export function silentWav(seconds: number, sampleRate = 100): Buffer {
  const frames = Math.round(seconds * sampleRate);
  const file = Buffer.alloc(44 + frames, 128);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(36 + frames, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(sampleRate, 24);
  file.writeUInt32LE(sampleRate, 28);
  file.writeUInt16LE(1, 32);
  file.writeUInt16LE(8, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(frames, 40);
  return file;
}

const unsupported = 'XIM_UNSUPPORTED_PARAMETER';
const weather = { name: 'weather', parameters: { type: 'object', properties: { place: { type: 'string' } } } };
const clock = { name: 'clock', parameters: { type: 'object', properties: { hour: { type: 'integer' } } } };

/** What the conformance suite is run with, at up to 1000 steps per second: then every long sample lasts for minutes. */
export const samples: Required<EngineSuite['samples']> = {
  generate: {
    quick: { prompt: { messages: [{ role: 'user', content: 'Zehn zahme Ziegen 日本 😀' }] }, maxTokens: 20 },
    long: { prompt: { text: 'again and' }, maxTokens: 200_000, ignoreEnd: true },
    more: [
      { prompt: { text: 'one two three' }, choices: 3, maxTokens: 2, sampling: { seed: 7 } },
      { prompt: { text: 'naïve 😀 <think>hm, 日本?</think> answer' }, logprobs: 2 },
      { prompt: { text: 'up to here STOP and no further' }, stop: ['no stop', 're STO'] },
      {
        prompt: { text: 'up to here STOP and no further' },
        stop: ['STOP'],
        includeStop: true,
        echo: true,
        logprobs: 0,
      },
      { prompt: { text: 'hey' }, format: { type: 'json' } },
      { prompt: { text: 'go on' }, ignoreEnd: true, maxTokens: 30 },
      { prompt: { text: 'one two three four' }, truncate: 2, promptLogprobs: 1, tokenIds: true, choices: 2 },
      {
        prompt: { text: 'one two' },
        minTokens: 6,
        stopTokens: [34],
        sampling: { bannedTexts: ['two'], typicalP: 0.9 },
      },
      {
        prompt: {
          messages: [
            { role: 'user', content: 'one' },
            { role: 'assistant', content: 'two' },
          ],
          continueLast: true,
        },
        sampling: { allowedTokens: [32, 33, 34] },
        maxTokens: 4,
      },
      { prompt: { tokens: [32, 33, 34] } },
      { prompt: { text: 'hey' }, format: { type: 'regex', pattern: '[0-9]{3}-[a-z]+' }, logprobs: 1 },
      { prompt: { text: 'hey' }, format: { type: 'grammar', grammar: 'root ::= "a" [0-9]+ "b"' }, maxTokens: 9 },
      { prompt: { text: 'one two' }, sampling: { logitBias: { 32: 100 } }, maxTokens: 5 },
      { prompt: { text: 'dice: ****' }, choices: 2, sampling: { seed: 3, topP: 0.9, presencePenalty: 1 } },
      {
        prompt: {
          messages: [{ role: 'user', content: 'Zürich' }],
          tools: [weather, clock],
          toolChoice: { mode: 'required' },
        },
        choices: 2,
      },
    ],
    bad: [
      { what: 'unknown tokens', input: { prompt: { tokens: [5000] } }, param: 'prompt' },
      {
        what: 'a text to come after',
        input: { prompt: { text: 'a', suffix: 'b' } },
        code: unsupported,
        param: 'prompt.suffix',
      },
      {
        what: 'a variable that the template does not read',
        input: { prompt: { messages: [{ role: 'user', content: 'a' }], templateVariables: { style: 'short' } } },
        code: unsupported,
        param: 'prompt.templateVariables',
      },
      { what: 'choices below 1', input: { prompt: { text: 'a' }, choices: 0 }, param: 'choices' },
      {
        what: 'a pattern that is none',
        input: { prompt: { text: 'a' }, format: { type: 'regex', pattern: '(' } },
        param: 'format.pattern',
      },
      {
        what: 'a bias on a token that is not there',
        input: { prompt: { text: 'a' }, sampling: { logitBias: { 5000: 1 } } },
        param: 'sampling.logitBias',
      },
      {
        what: 'an effort to think',
        input: { prompt: { messages: [{ role: 'user', content: 'a' }] }, reasoningEffort: 'high' },
        code: unsupported,
        param: 'reasoningEffort',
      },
      {
        what: 'a required tool that is not there',
        input: {
          prompt: {
            messages: [{ role: 'user', content: 'a' }],
            tools: [weather],
            toolChoice: { mode: 'required', name: 'clock' },
          },
        },
        param: 'prompt.toolChoice',
      },
    ],
    numbered: (number) => ({
      input: { prompt: { text: `call number ${number} of many` } },
      check: (events) => deepStrictEqual(textOf(events), `call number ${number} of many`),
    }),
  },
  embed: {
    quick: { items: [{ text: 'a' }, { text: 'some more words' }, { tokens: [32] }] },
    // One item is as long as a batch of 128 tokens may be, so that every one is a step of its own.
    long: { items: Array.from({ length: 2000 }, () => ({ text: ' a'.repeat(128) })) },
    more: [
      { items: [{ text: 'short' }], dimensions: 8 },
      { items: [{ text: 'a '.repeat(4097) }, { tokens: [32, 33] }], truncate: {} },
    ],
    bad: [
      {
        what: 'more dimensions than there are',
        input: { items: [{ text: 'a' }], dimensions: 385 },
        param: 'dimensions',
      },
      {
        what: 'a text beyond the context',
        input: { items: [{ text: 'a '.repeat(4097) }] },
        code: 'XIM_CONTEXT_LENGTH_EXCEEDED',
      },
    ],
  },
  rerank: {
    quick: { queries: ['the quiet sea'], documents: ['a loud market', 'the sea is quiet', 'sea'] },
    // One pair is as long as a batch of 128 tokens may be, so that every one is a step of its own.
    long: { queries: ['sea'], documents: Array.from({ length: 2000 }, () => ' a'.repeat(127)) },
    more: [
      { queries: ['one', 'two'], documents: ['one', 'one'] },
      { queries: ['sea'], documents: ['the sea', 'the harbour'], instruction: 'Find harbours.' },
      { queries: ['sea'], documents: ['the sea'.repeat(9)], documentTokens: 3 },
      { queries: ['sea'], documents: ['a '.repeat(5000)], truncate: {} },
      { queries: ['sea'], documents: [`${'a '.repeat(50)}sea`], truncate: { tokens: 9, keep: 'end' } },
    ],
    bad: [
      {
        what: 'a document beyond the context',
        input: { queries: ['a'], documents: ['b', 'a '.repeat(4097)] },
        code: 'XIM_CONTEXT_LENGTH_EXCEEDED',
        param: 'documents.1',
      },
      {
        what: 'a query that leaves no room for a document',
        input: { queries: ['one two three'], documents: ['four'], truncate: { tokens: 3 } },
        code: 'XIM_CONTEXT_LENGTH_EXCEEDED',
      },
    ],
    numbered: (number) => ({
      input: { queries: ['a b'], documents: Array.from({ length: 1 + (number % 5) }, () => 'a') },
      check: ([result]) => deepStrictEqual(result!.output.scores.length, 1 + (number % 5)),
    }),
  },
  transcribe: {
    quick: { audio: { bytes: silentWav(5.5) } },
    long: { audio: { bytes: silentWav(500_000, 1) } },
    more: [
      { audio: { bytes: silentWav(3, 8000) }, words: true, speakers: { count: 2 }, language: 'de' },
      {
        audio: { bytes: silentWav(3) },
        logprobs: true,
        translate: true,
        speakers: { known: [{ name: 'Ann', audio: { bytes: silentWav(2) } }] },
      },
    ],
    bad: [{ what: 'a recording without sound', input: { audio: { bytes: silentWav(0) } }, param: 'audio' }],
    numbered: (number) => ({
      input: { audio: { bytes: silentWav(1 + number / 10) } },
      check: (events) => deepStrictEqual(durationOf(events), 1 + number / 10),
    }),
  },
  speak: {
    quick: { text: 'hello there', format: 'wav' },
    long: { text: 'la '.repeat(100_000), format: 'pcm' },
    large: { text: 'la '.repeat(400), format: 'wav' },
    more: [{ text: 'hello there', format: 'pcm', speed: 2, voice: 'bass' }],
    bad: [
      { what: 'mp3', input: { text: 'a', format: 'mp3' }, code: unsupported, param: 'format' },
      { what: 'an unknown voice', input: { text: 'a', format: 'wav', voice: 'nobody' }, param: 'voice' },
      { what: 'a speed out of range', input: { text: 'a', format: 'wav', speed: 5 }, param: 'speed' },
    ],
    numbered: (number) => ({
      input: { text: 'x'.repeat(number + 1), format: 'pcm' },
      check: (events) => deepStrictEqual(durationOf(events), Math.round((number + 1) * 1440) / 24_000),
    }),
  },
  generateImage: {
    quick: { prompt: 'a house', format: 'png', width: 64, height: 48, seed: 1 },
    long: { prompt: 'a house', format: 'png', width: 64, height: 48, steps: 1_000_000 },
    large: { prompt: 'a house', format: 'png', width: 512, height: 512, count: 4, partials: 1 },
    more: [{ prompt: 'two', format: 'png', width: 16, height: 16, count: 2, steps: 6, partials: 3 }],
    bad: [
      {
        what: 'jpeg',
        input: { prompt: 'a', format: 'jpeg', width: 8, height: 8 },
        code: unsupported,
        param: 'format',
      },
      {
        what: 'a picture to start from',
        input: { prompt: 'a', format: 'png', width: 8, height: 8, image: { path: '/tmp/a.png' } },
        code: unsupported,
        param: 'image',
      },
    ],
  },
};

function textOf(events: readonly GenerateEvent[]): string {
  return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
}

function durationOf(events: readonly (SpeakEvent | TranscribeEvent)[]): number | undefined {
  const last = events.at(-1);
  return last?.type === 'end' ? last.duration : undefined;
}
