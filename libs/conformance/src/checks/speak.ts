import { z } from 'zod';
import { expectError, expectSuccess } from '../answers.ts';
import type { Check, Context } from '../check.ts';
import type { Answer } from '../client.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';
import { readWav } from '../read-wav.ts';
import { DONE, toFrames, toObjects } from '../sse.ts';

export const SPEECH = '/v1/audio/speech';
const VOICES = '/v1/audio/voices';
const TEXT = 'The harbour is quiet today, and the boats are asleep.';
/** Samples per second of the format pcm. */
const RATE = 24_000;

interface Format {
  readonly types: readonly string[];
  /** What the first bytes are. */
  readonly magic: RegExp;
}

/** Content types and first bytes, in hexadecimal. An MPEG frame begins with eleven set bits, an mp3 file perhaps with a tag. */
const FORMATS: Readonly<Record<string, Format>> = {
  mp3: { types: ['audio/mpeg', 'audio/mp3'], magic: /^(ff[ef][2367abef]|494433)/ },
  opus: { types: ['audio/ogg', 'audio/opus'], magic: /^4f676753/ },
  aac: { types: ['audio/aac', 'audio/aacp', 'audio/x-aac'], magic: /^fff[0189]/ },
  flac: { types: ['audio/flac', 'audio/x-flac'], magic: /^664c6143/ },
  wav: { types: ['audio/wav', 'audio/wave', 'audio/x-wav', 'audio/vnd.wave'], magic: /^52494646.{8}57415645/ },
  pcm: { types: ['audio/pcm', 'audio/l16', 'audio/raw', 'audio/basic'], magic: /^(?!52494646)/ },
};

/** A voice of the server: the first in its list, if it has a list. */
const voiceOf = (context: Context): Promise<string> =>
  context.shared('speak voice', async (own) => {
    const Listed = z.object({ voices: z.array(z.union([z.string(), z.object({ id: z.string() })])).min(1) });
    const answer = await own.send({ path: VOICES });
    const listed = answer.status === 200 && Listed.safeParse(parse(answer.text)).data?.voices[0];
    return listed ? (typeof listed === 'string' ? listed : listed.id) : 'alloy';
  });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function trySpeak(context: Context, more: object): Promise<Answer> {
  const body = { model: context.model, input: TEXT, voice: await voiceOf(context), ...more };
  return context.send({ path: SPEECH, body });
}

/** The file of a successful answer. */
async function speak(context: Context, more: object): Promise<Buffer> {
  const answer = await trySpeak(context, more);
  expectSuccess(answer);
  return answer.bytes;
}

/** Seconds of speech, measured with pcm, which has no header. */
const secondsOf = async (context: Context, more: object): Promise<number> =>
  (await speak(context, { response_format: 'pcm', ...more })).length / 2 / RATE;

const plainSeconds = (context: Context) => context.shared('speak seconds', (own) => secondsOf(own, {}));

async function expectFormat(context: Context, name: string, more: object): Promise<void> {
  const { types, magic } = FORMATS[name]!;
  const answer = await trySpeak(context, more);
  expectSuccess(answer);
  const type = answer.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  expectThat(type !== undefined && types.includes(type), `a content-type of ${types.join(' or ')}`, type);
  const head = answer.bytes.subarray(0, 12).toString('hex');
  expectThat(answer.bytes.length > 100 && magic.test(head), `the first bytes of ${name}`, head);
}

const wrong: readonly (readonly [id: string, title: string, more: object, param: string])[] = [
  ['input-missing', 'a request without input is refused', { input: undefined }, 'input'],
  ['input-empty', 'an empty input is refused', { input: '' }, 'input'],
  ['input-long', 'an input of 4,097 characters is refused', { input: 'a '.repeat(2048) + 'b' }, 'input'],
  ['voice', 'an unknown voice is refused', { voice: 'no-such-voice' }, 'voice'],
  ['format', 'an unknown response_format is refused', { response_format: 'midi' }, 'response_format'],
  ['stream-format', 'an unknown stream_format is refused', { stream_format: 'smoke' }, 'stream_format'],
  ['speed-low', 'a speed below 0.25 is refused', { speed: 0.24 }, 'speed'],
  ['speed-high', 'a speed above 4 is refused', { speed: 4.01 }, 'speed'],
  ['speed-zero', 'a speed of 0 is refused', { speed: 0 }, 'speed'],
  ['speed-negative', 'a speed below zero is refused', { speed: -1 }, 'speed'],
];

export const speakChecks: readonly Check[] = [
  {
    id: 'speak.default',
    title: 'without response_format the answer is mp3',
    why: 'Players get the bytes unchanged, with the name speech.mp3.',
    run: (context) => expectFormat(context, 'mp3', {}),
  },
  ...Object.keys(FORMATS).map((name): Check => ({
    id: `speak.format.${name}`,
    title: `the bytes and the content type of response_format: ${name} are those of ${name}`,
    why: 'Browsers and players choose the decoder by the content type.',
    mayRefuse: ['response_format'],
    run: (context) => expectFormat(context, name, { response_format: name }),
  })),
  {
    id: 'speak.pcm',
    title: 'pcm is 24,000 samples a second of 16 bits, mono, as long as the WAV file',
    why: 'pcm has no header. At another rate the voice sounds different.',
    mayRefuse: ['response_format'],
    async run(context) {
      const wav = readWav(await speak(context, { response_format: 'wav' }));
      const seconds = await plainSeconds(context);
      const expected = wav.frames / wav.sampleRate;
      expectThat(Math.abs(seconds / expected - 1) < 0.15, `about ${expected.toFixed(2)} seconds`, seconds);
    },
  },
  {
    id: 'speak.wav-sizes',
    title: 'the sizes in a WAV file are correct, or have the values for unknown sizes',
    why: 'Libraries that trust a wrong size cut off the end, or read beyond it.',
    mayRefuse: ['response_format'],
    async run(context) {
      readWav(await speak(context, { response_format: 'wav' }));
    },
  },
  {
    id: 'speak.speed',
    title: 'speed: 2 takes half the time, and speed: 0.5 twice the time',
    why: 'Reading programs for fast listeners depend on it.',
    mayRefuse: ['speed', 'response_format'],
    async run(context) {
      const plain = await plainSeconds(context);
      for (const speed of [2, 0.5]) {
        const seconds = await secondsOf(context, { speed });
        expectThat(
          Math.abs((seconds * speed) / plain - 1) < 0.15,
          `about ${(plain / speed).toFixed(2)} seconds`,
          seconds,
        );
      }
    },
  },
  {
    id: 'speak.length',
    title: 'a longer text takes longer, and each of its sentences is spoken',
    why: 'Servers may cut off text without an error.',
    mayRefuse: ['response_format'],
    async run(context) {
      const plain = await plainSeconds(context);
      const seconds = await secondsOf(context, { input: Array(4).fill(TEXT).join(' ') });
      expectThat(seconds > 3 * plain && seconds < 6 * plain, `about four times ${plain.toFixed(2)} seconds`, seconds);
    },
  },
  {
    id: 'speak.voice-object',
    title: 'a voice may be an object with its id',
    why: 'The official SDKs send custom voices in this form.',
    async run(context) {
      await speak(context, { voice: { id: await voiceOf(context) } });
    },
  },
  {
    id: 'speak.voice-openai',
    title: 'the voice alloy exists',
    why: 'Every example uses this voice, and several clients have it as their default.',
    mayRefuse: ['voice'],
    async run(context) {
      await speak(context, { voice: 'alloy' });
    },
  },
  {
    id: 'speak.instructions',
    title: 'instructions are accepted',
    why: 'Newer clients send them.',
    mayRefuse: ['instructions'],
    async run(context) {
      await speak(context, { instructions: 'Speak in a calm voice.' });
    },
  },
  {
    id: 'speak.stream',
    title: 'stream_format: sse sends the file in events, and the usage last',
    why: 'Clients that play the sound while they read use these events.',
    mayRefuse: ['stream_format', 'response_format'],
    async run(context) {
      const answer = await trySpeak(context, { stream_format: 'sse', response_format: 'wav' });
      expectSuccess(answer);
      const type = answer.headers['content-type'];
      expectThat(type?.startsWith('text/event-stream'), 'a content-type of text/event-stream', type);
      const frames = toFrames(answer.text);
      expectThat(!frames.frames.some(({ data }) => data === DONE), 'no [DONE] in a stream of speech', DONE);
      const events = toObjects(frames);
      const deltas = expectShape(
        z.array(z.looseObject({ type: z.literal('speech.audio.delta'), audio: z.base64() })).min(1),
        events.slice(0, -1),
        'the events before the last',
      );
      const count = z.int().min(0);
      expectShape(
        z.looseObject({
          type: z.literal('speech.audio.done'),
          usage: z.looseObject({ input_tokens: count, output_tokens: count, total_tokens: count }),
        }),
        events.at(-1),
        'the last event',
      );
      readWav(Buffer.concat(deltas.map(({ audio }) => Buffer.from(audio, 'base64'))));
    },
  },
  {
    id: 'speak.unknown-fields',
    title: 'unknown fields are ignored',
    why: 'Clients may be newer than the server.',
    async run(context) {
      await speak(context, { x_unknown: 1 });
    },
  },
  ...wrong.map(([id, title, more, param]): Check => ({
    id: `speak.invalid.${id}`,
    title,
    why: 'A wrong request must get an error that the SDKs can read.',
    async run(context) {
      expectError(await trySpeak(context, more), { status: 400, param });
    },
  })),
  {
    id: 'speak.unknown-model',
    title: 'an unknown model is a 404 with code model_not_found',
    why: 'Another model has another voice.',
    async run(context) {
      const answer = await trySpeak(context, { model: 'no-such-model' });
      expectEqual(answer.status, 404, 'the status');
      expectError(answer, { status: 404, code: 'model_not_found' });
    },
  },
];
