import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InvalidInputError, ModelNotFoundError, type Task } from '../index.ts';
import { collect, open, samplesOf, type Shared, tasksOf } from './calls.ts';
import { checkEvents } from './event-order.ts';
import type { BadInput, EngineSuite, InputOf } from './samples.ts';

export function describeBadInput(suite: EngineSuite, shared: Shared): void {
  describe.each(tasksOf(suite))('bad input of %s', (task) => {
    for (const bad of [...ofEveryEngine[task], ...(samplesOf(suite, task).bad ?? [])]) {
      it(`refuses ${bad.what}, and harms no other call`, () =>
        expectRefusal(suite, shared, task, bad as BadInput<never>));
    }

    it('refuses a model that it does not serve, and says which it serves', async () => {
      const { quick } = samplesOf(suite, task);
      const error = await failureOf(open(shared.engine, task, quick, { model: 'nobody/knows-it' }));
      expect(ModelNotFoundError.isInstance(error), String(error)).toBe(true);
      expect(error).toMatchObject({
        model: 'nobody/knows-it',
        message: expect.stringContaining(shared.info.models[0]!),
      });
    });
  });

  const { generate } = suite.samples;
  if (generate) {
    const code = 'XIM_CONTEXT_LENGTH_EXCEEDED';
    it('refuses more output than the context holds', async () => {
      const maxTokens = contextLength(shared);
      await expectRefusal(suite, shared, 'generate', { what: '', code, input: { ...generate.quick, maxTokens } });
    });
    it('refuses a prompt that is longer than the context', async () => {
      const prompt = { text: 'word '.repeat(contextLength(shared)) };
      await expectRefusal(suite, shared, 'generate', { what: '', code, input: { ...generate.quick, prompt } });
    });
  }
}

function contextLength({ info }: Shared): number {
  if (info.contextLength === undefined) throw new Error('An engine that generates reports its contextLength.');
  return info.contextLength;
}

async function expectRefusal<T extends Task>(
  suite: EngineSuite,
  { engine }: Shared,
  task: T,
  { input, code = 'XIM_INVALID_INPUT', param }: BadInput<InputOf[T]>,
): Promise<void> {
  const { quick } = samplesOf(suite, task);
  const neighbours = [1, 2].map(() => collect(open(engine, task, quick)));
  const error = await failureOf(open(engine, task, input));
  expect(InvalidInputError.isInstance(error), `an InvalidInputError: ${String(error)}`).toBe(true);
  expect(error).toMatchObject({ code, ...(param && { param }), message: expect.stringMatching(/\S+ \S+/) });
  for (const events of await Promise.all(neighbours)) checkEvents(task, quick, events);
  checkEvents(task, quick, await collect(open(engine, task, quick)));
}

/** The error of a failed call; no event may come before it, since an input is refused instead of its `start`. */
async function failureOf(call: AsyncIterable<unknown>): Promise<unknown> {
  const iterator = call[Symbol.asyncIterator]();
  const outcome = await iterator.next().then(
    (first) => ({ event: first.value }),
    (error: unknown) => ({ error }),
  );
  if ('event' in outcome) {
    await iterator.return?.();
    expect.fail(`Expected a refusal, but the first event was ${JSON.stringify(outcome.event)}`);
  }
  expect(await iterator.next(), 'after the error').toMatchObject({ done: true });
  return outcome.error;
}

/** Inputs that the contract itself calls invalid. */
const ofEveryEngine: { readonly [T in Task]: readonly BadInput<InputOf[T]>[] } = {
  generate: [
    { what: 'a prompt without tokens', input: { prompt: { tokens: [] } } },
    { what: 'an empty text', input: { prompt: { text: '' } } },
    { what: 'a conversation without messages', input: { prompt: { messages: [] } } },
  ],
  embed: [
    { what: 'no items', input: { items: [] } },
    { what: 'an empty text', input: { items: [{ text: 'full' }, { text: '' }] } },
    { what: 'an empty list of tokens', input: { items: [{ tokens: [] }] } },
  ],
  rerank: [
    { what: 'no documents', input: { queries: ['a'], documents: [] } },
    { what: 'no query', input: { queries: [], documents: ['a'] } },
    { what: 'an empty query', input: { queries: [''], documents: ['a'] } },
    { what: 'an empty document', input: { queries: ['a'], documents: ['full', ''] } },
    { what: 'fewer queries than documents', input: { queries: ['a', 'b'], documents: ['c', 'd', 'e'] } },
    { what: 'an empty instruction', input: { queries: ['a'], documents: ['b'], instruction: '' } },
    { what: 'documents without tokens', input: { queries: ['a'], documents: ['b'], documentTokens: 0 } },
  ],
  transcribe: [
    { what: 'an empty recording', input: { audio: { bytes: new Uint8Array(0) } } },
    { what: 'a recording of noise bytes', input: { audio: { bytes: randomBytes(4096) } } },
    { what: 'a recording that is not there', input: { audio: { path: '/nowhere/recording.wav' } } },
  ],
  speak: [{ what: 'an empty text', input: { text: '', format: 'wav' } }],
  generateImage: [{ what: 'a picture without width', input: { prompt: 'a', format: 'png', width: 0, height: 64 } }],
};
