/* eslint-disable @typescript-eslint/no-explicit-any -- tests reach into answers to spoil them */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check } from '../check.ts';
import { runConformance } from '../run.ts';
import type { Exchange, Tamper } from './fake-exchange.ts';
import { type FakeServer, startFakeServer } from './fake-server.ts';

/** The id of a check, the error of the server, and the change that turns the correct answer into this error. */
export type Spoiled = readonly [id: string, wrong: string, tamper: Tamper];

/** Changes the JSON of successes. */
export const whole =
  (spoil: (body: any, exchange: Exchange) => unknown): Tamper =>
  (exchange) => {
    if (exchange.status !== 200 || typeof exchange.body !== 'object') return;
    exchange.body = spoil(exchange.body, exchange) ?? exchange.body;
  };

/** Changes the first choice of answers that are not streamed. */
export const choice = (spoil: (choice: any, exchange: Exchange) => void): Tamper =>
  whole((body, exchange) => {
    if (body.choices) spoil(body.choices[0], exchange);
  });

/** Changes the frames of a stream; a returned list replaces them. */
export const frames =
  (spoil: (frames: any[], exchange: Exchange) => any[] | void): Tamper =>
  (exchange) => {
    if (exchange.frames) exchange.frames = spoil(exchange.frames, exchange) ?? exchange.frames;
  };

/** Changes each chunk. */
export const chunks = (spoil: (chunk: any, i: number) => void): Tamper =>
  frames((all) => all.filter((frame) => typeof frame === 'object').forEach(spoil));

/** Changes the choices of all chunks. */
export const deltas = (spoil: (choice: any, i: number) => void): Tamper =>
  chunks((chunk, i) => (chunk.choices ?? []).forEach((one: any) => spoil(one, i)));

export const header =
  (name: string, value: string | undefined): Tamper =>
  ({ headers }) => {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  };

/** Accepts the requests for which `test` is true. */
export const accept =
  (test: (exchange: Exchange) => unknown = ({ status }) => status >= 400): Tamper =>
  (exchange) => {
    if (test(exchange)) Object.assign(exchange, { status: 200, body: { choices: [], data: [] } });
  };

/** Changes the status, but not the body. */
export const status =
  (from: number, to: number): Tamper =>
  (exchange) => {
    if (exchange.status === from) exchange.status = to;
  };

/** Refuses the requests for which `test` is true. */
export const refuseWhen =
  (test: (request: any, exchange: Exchange) => unknown, param: string | null = null): Tamper =>
  (exchange) => {
    if (typeof exchange.request !== 'object' || exchange.request === null || !test(exchange.request, exchange)) return;
    delete exchange.frames;
    const error = { message: 'not here', type: 'invalid_request_error', param, code: null };
    Object.assign(exchange, { status: 400, body: { error } });
  };

/** Each line of the table is a test. Each check must be in the table, since a check that cannot fail is useless. */
export function describeSpoiled(checks: readonly Check[], table: readonly Spoiled[], apiKey?: string): void {
  describe('a server that does one thing wrong', () => {
    let fake: FakeServer;
    beforeAll(async () => {
      fake = await startFakeServer();
      fake.apiKey = apiKey;
    });
    afterAll(() => fake.close());

    it.each(table)('%s fails: %s', async (id, _wrong, tamper) => {
      const mistakes: unknown[] = [];
      fake.tamper = (exchange) => {
        // The probes that find the routes.
        const probed = exchange.path === '/v1/models' || JSON.stringify(exchange.request) === '{}';
        if (probed && !/^(http|models)\./.test(id)) return;
        try {
          tamper(exchange);
        } catch (error) {
          mistakes.push(error);
        }
      };
      const { results } = await runConformance({ baseUrl: fake.url, apiKey, only: [id], timeoutSeconds: 20, concurrency: 2 }); // prettier-ignore
      expect(mistakes).toEqual([]);
      const result = results.find((one) => one.id === id);
      expect(result).toMatchObject({ outcome: 'failed', expected: expect.stringMatching(/./), found: expect.any(String) }); // prettier-ignore
      // The check must fail with a mismatch, not with an exception.
      expect(result!.expected).not.toContain('understands');
    });

    it('each check is seen to fail', () => {
      const seen = new Set(table.map(([id]) => id));
      expect(checks.map(({ id }) => id).filter((id) => !seen.has(id))).toEqual([]);
    });
  });
}
