import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, EngineStartError, type Task } from '@xim/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echo } from './echo-engine.ts';
import { echoModel } from './echo-models.ts';
import { python } from './__fixtures__/python.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const plan = { threads: 1, slots: 2, queue: 8, kvCacheBytes: 0, batchTokens: 128, stallMs: 10_000, reasons: [] };
const call = { id: 'own', signal: new AbortController().signal };

const IMPORTS = 'from xim_worker import Info, Item\n\n';
const LOAD = `
    def load(self, context):
        return Info({"name": "own", "version": "1", "isa": "none"}, [context.model["id"]], "none", 1, 100, 2)
`;
const STEP = `${IMPORTS}class Handler:${LOAD}
    calls = []
    busy = property(lambda self: bool(self.calls))
    def add(self, call, request, turn):
        self.calls.append(call)
        return [{"type": "start", "inputTokens": 1}]
    def step(self):
        return [(self.calls.pop(), {"type": "end", "usage": {"inputTokens": 1, "outputTokens": 0}})]
    def cancel(self, call):
        pass
`;
const BATCH = `${IMPORTS}class Handler:${LOAD}
    parallel = 1
    def prepare(self, request):
        return [Item(1, item) for item in request["items"]]
    def run(self, items):
        return [bytes(8) for item in items]
    def finish(self, request, items, results):
        return {"type": "result", "vectors": b"".join(results), "dimensions": 2, "inputTokens": 7}
`;
const CALL = `${IMPORTS}class Handler:${LOAD}
    def run(self, request, cancelled):
        yield {"type": "start", "mediaType": "audio/own", "sampleRate": 1}
        yield {"type": "audio", "bytes": request["text"].encode()}
        yield {"type": "end", "duration": 0}
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xim-own-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function create(task: Task, source: string): Engine {
  const handler = join(folder, 'handler.py');
  writeFileSync(handler, source);
  const model = echoModel(task);
  return echo.create({ profile: model.profiles[0]!, plan, model, modelPath: '', python, handler, log });
}

async function eventsOf(events: AsyncIterable<{ type: string }>): Promise<{ type: string }[]> {
  const all = [];
  for await (const event of events) all.push(event);
  return all;
}

it('what an engine says of itself beside the numbers reaches the host', async () => {
  const model = echoModel('speak');
  const engine = echo.create({ profile: model.profiles[0]!, plan, model, modelPath: '', python, log });
  try {
    expect(await engine.start()).toMatchObject({ voices: ['alto', 'bass'], sampleRate: 24_000 });
  } finally {
    await engine.stop();
  }
});

it('what a picture takes at the start reaches the host', async () => {
  const model = echoModel('generateImage', { rate: 100 });
  const engine = echo.create({ profile: model.profiles[0]!, plan, model, modelPath: '', python, log });
  try {
    const imageDefaults = { width: 64, height: 64, steps: 4, stepSeconds: 0.01, otherSeconds: 0 };
    expect(await engine.start()).toMatchObject({ imageDefaults, safetyChecker: false });
  } finally {
    await engine.stop();
  }
});

it('a handler knows the companions of its model', async () => {
  const told = `${IMPORTS}class Handler:
    def load(self, context):
        of = [f"{role} {one.model['id']} {one.model_path} {one.options}" for role, one in context.companions.items()]
        return Info(runtime={"name": ", ".join(of), "version": "1", "isa": "none"}, models=["m"], dtype="none", slots=1)
    def run(self, request, cancelled):
        yield {"type": "end", "duration": 0}
`;
  const handler = join(folder, 'companions.py');
  writeFileSync(handler, told);
  const model = echoModel('speak');
  const profile = model.profiles[0]!;
  const companions = {
    vad: { model: { ...model, id: 'a/vad' }, profile: { ...profile, options: {} }, modelPath: '/v' },
  };
  const engine = echo.create({ profile, plan, model, modelPath: '', python, handler, log, companions });
  try {
    expect((await engine.start()).runtime.name).toBe('vad a/vad /v {}');
  } finally {
    await engine.stop();
  }
});

describe('a service’s own handler', () => {
  it.each<[string, Task, string, (engine: Engine) => Promise<unknown>, unknown]>([
    [
      'of steps',
      'generate',
      STEP,
      (engine) => eventsOf(engine.generate!({ prompt: { text: 'a' } }, call)),
      [{ type: 'start' }, { type: 'end' }],
    ],
    ['of batches', 'embed', BATCH, (engine) => engine.embed!({ items: [{ text: 'a' }] }, call), { inputTokens: 7 }],
    [
      'of calls',
      'speak',
      CALL,
      (engine) => eventsOf(engine.speak!({ text: 'hi', format: 'wav' }, call)),
      [{ mediaType: 'audio/own' }, { type: 'audio' }, { type: 'end' }],
    ],
  ])('%s answers in place of the engine’s', async (_, task, python, run, answer) => {
    const engine = create(task, python);
    try {
      expect((await engine.start()).runtime.name).toBe('own');
      expect(engine.tokenize, 'what it may not have').toBeUndefined();
      expect(await run(engine)).toMatchObject(answer as object);
    } finally {
      await engine.stop();
    }
  });

  it.each([
    ['that is not Python', 'class Handler(\n', /handler\.py cannot be used as a handler: SyntaxError/],
    ['that imports what is not there', 'import nowhere\n', /ModuleNotFoundError: No module named 'nowhere'/],
    ['without the class', 'class Other: pass\n', /no attribute 'Handler'/],
    [
      'whose load refuses',
      `${CALL}    def load(self, context):\n        raise ValueError("no weights")\n`,
      /ValueError: no weights/,
    ],
    [
      'whose load fails for now',
      `${CALL}    def load(self, context):\n        raise OSError("passing")\n`,
      /OSError: passing/,
    ],
    [
      'whose load imports what is not there',
      `${CALL}    def load(self, context):\n        import nowhere\n`,
      /ModuleNotFoundError: No module named 'nowhere'/,
    ],
  ])('a file %s is a start error that says so', async (_, python, message) => {
    const engine = create('speak', python);
    const error: unknown = await engine.start().catch((reason: unknown) => reason);
    expect(EngineStartError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    expect((error as EngineStartError).permanent).toBe(!/passing/.test(message.source));
  });
});
