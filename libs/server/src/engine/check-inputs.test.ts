import { join } from 'node:path';
import type { CallOptions, Engine, EngineInfo, ImageInput, SpeakInput, TranscribeInput } from '@xim/engine';
import { echo, echoModel } from '@xim/engine-echo';
import { expect, it } from 'vitest';
import { venvs } from '../__fixtures__/venvs.ts';
import { checkInputs } from './check-inputs.ts';

const options = (): CallOptions => ({ id: 'test', signal: new AbortController().signal });

async function outcome(events: AsyncIterable<{ readonly type: string }>): Promise<unknown> {
  try {
    let last = '';
    for await (const { type } of events) last = type;
    return last;
  } catch (error) {
    return { message: (error as Error).message, param: (error as { param?: string }).param };
  }
}

it('a voice that the echo engine does not report is refused with the voices it has, others are spoken', async () => {
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const plan = { threads: 1, slots: 2, queue: 8, kvCacheBytes: 0, batchTokens: 64, stallMs: 10_000, reasons: [] };
  const model = echoModel('speak');
  const python = join(venvs, 'echo/bin/python');
  const engine = echo.create({ profile: model.profiles[0]!, plan, model, modelPath: '', python, log });
  try {
    const checked = checkInputs(engine, await engine.start());
    expect(checked.state).toBe('ready');
    const speak = (voice?: string): Promise<unknown> =>
      outcome(checked.speak!({ text: 'a', voice, format: 'pcm' }, options()));
    expect(await speak('bass')).toBe('end');
    expect(await speak()).toBe('end');
    expect(await speak('nova')).toEqual({
      message: 'This model has no voice "nova". Expected one of: alto, bass.',
      param: 'voice',
    });
  } finally {
    await engine.stop();
  }
});

const sent: unknown[] = [];
async function* send(input: unknown) {
  sent.push(input);
  yield { type: 'end' };
}
const engine = { state: 'ready', speak: send, transcribe: send, generateImage: send } as unknown as Engine;
const info = { imageSizes: ['512x512', '512x768'], languages: ['en', 'de'] } as unknown as EngineInfo;

it.each([
  ['transcribe', { language: 'de' }, undefined],
  ['transcribe', {}, undefined],
  ['transcribe', { language: 'xx' }, { message: /no language "xx". Expected one of: en, de/, param: 'language' }],
  ['generateImage', {}, undefined],
  ['generateImage', { width: 512, height: 768 }, undefined],
  ['generateImage', { height: 768 }, undefined],
  ['generateImage', { width: 768, height: 512 }, { message: /no size "768x512". Expected/, param: 'width' }],
  ['generateImage', { height: 64 }, { message: /no size "anyx64"/, param: 'height' }],
  ['speak', { voice: 'any' }, undefined],
] as const)('%s with %j', async (task, input, refused) => {
  sent.length = 0;
  const checked = checkInputs(engine, info);
  const events = checked[task]!(input as unknown as SpeakInput & TranscribeInput & ImageInput, options());
  expect(await outcome(events)).toEqual(
    refused === undefined ? 'end' : { message: expect.stringMatching(refused.message), param: refused.param },
  );
  expect(sent).toHaveLength(refused === undefined ? 1 : 0);
});
