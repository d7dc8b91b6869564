import type { Exchange, Tamper } from '../__fixtures__/fake-exchange.ts';
import { accept, describeSpoiled, frames, header, refuseWhen, type Spoiled } from '../__fixtures__/spoil.ts';
import { speakChecks } from './speak.ts';

const refusing = speakChecks.map(({ id }) => id).filter((id) => /\.(invalid|unknown-model)\b/.test(id));

/** Changes the file of successes. */
const file =
  (spoil: (bytes: Buffer, exchange: Exchange) => Buffer): Tamper =>
  (exchange) => {
    if (exchange.status === 200 && Buffer.isBuffer(exchange.body)) exchange.body = spoil(exchange.body, exchange);
  };
const written = (at: number, value: number) =>
  file((bytes) => {
    bytes.writeUInt32LE(value, at);
    return bytes;
  });
const isWav = ({ request }: Exchange) => request.response_format === 'wav';

const table: readonly Spoiled[] = [
  ['speak.default', 'a WAV file', file(() => Buffer.from('RIFF....WAVE'.padEnd(200)))],
  ['speak.default', 'JSON', accept(({ path }) => path === '/v1/audio/speech')],
  ...['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'].flatMap((name): Spoiled[] => [
    [`speak.format.${name}`, 'another content type', header('content-type', 'audio/midi')],
    [
      `speak.format.${name}`,
      'other bytes',
      file(() => Buffer.from((name === 'pcm' ? 'RIFF....WAVE' : 'nonsense').padEnd(200))),
    ],
    [`speak.format.${name}`, 'refused for another parameter', refuseWhen(({ input }) => input, 'input')],
  ]),
  ['speak.pcm', 'at another rate', file((bytes, exchange) => (isWav(exchange) ? bytes : bytes.subarray(0, bytes.length * 0.8)))], // prettier-ignore
  ['speak.wav-sizes', 'a wrong size of the file', written(4, 1000)],
  ['speak.wav-sizes', 'more samples than there are', written(40, 10_000_000)],
  ['speak.wav-sizes', 'no samples', file((bytes) => bytes.subarray(0, 36))],
  [
    'speak.speed',
    'ignored',
    file((bytes, { request }) => (request.speed === 2 ? Buffer.concat([bytes, bytes]) : bytes)),
  ],
  ['speak.speed', 'only faster', file((bytes, { request }) => (request.speed === 0.5 ? bytes.subarray(0, bytes.length / 2) : bytes))], // prettier-ignore
  ['speak.length', 'cut off', file((bytes) => bytes.subarray(0, 120_000))],
  ['speak.voice-object', 'refused', refuseWhen(({ voice }) => typeof voice === 'object', 'voice')],
  ['speak.voice-openai', 'refused for another parameter', refuseWhen(({ voice }) => voice === 'alloy', 'model')],
  ['speak.instructions', 'refused for another parameter', refuseWhen(({ instructions: text }) => text, 'input')],
  ['speak.stream', 'no usage', frames((all) => void delete all.at(-1).usage)],
  ['speak.stream', 'no last event', frames((all) => all.slice(0, -1))],
  ['speak.stream', 'the events of chats', frames((all) => [...all, '[DONE]'])],
  ['speak.stream', 'a piece is lost', frames((all) => all.slice(1))],
  ['speak.stream', 'a content type of JSON', header('content-type', 'application/json')],
  ['speak.unknown-fields', 'refused', refuseWhen(({ x_unknown: value }) => value)],
  ...refusing.map((id): Spoiled => [id, 'accepted', accept()]),
];

describeSpoiled(speakChecks, table);
