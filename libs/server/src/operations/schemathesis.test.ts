import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChat, startEmbedding, startReranking } from '../__fixtures__/test-service.ts';
import { startMediaService } from '../http/__fixtures__/media-service.ts';
import { startEcho } from '../openai/audio/__fixtures__/transcription-service.ts';
import { speech } from '../openai/audio/speech.ts';
import { images } from '../openai/images/route.ts';

/*
 * Schemathesis makes requests out of /openapi.json, right ones and wrong ones, the same at every run: none may end in a
 * 5xx, and no answer may break what the document says of it.
 */

interface Started {
  readonly origin: string;
  close(): Promise<void>;
}

const speaking = async (): Promise<Started> => {
  const { url, stop } = await startMediaService('speak', { routes: [speech] });
  return { origin: url, close: stop };
};

/** With a public address, so that an answer may hold the addresses of pictures. */
const drawing = async (): Promise<Started> => {
  const env = { XIM_QUEUE: '8', XIM_PUBLIC_URL: 'https://pictures.example.org' };
  const { url, stop } = await startMediaService('generateImage', { routes: [images], env });
  return { origin: url, close: stop };
};

const CHECKS = ['not_a_server_error', 'response_schema_conformance', 'content_type_conformance'];
/** Cases of each operation that are made by chance, from a fixed seed; a longer search sets XIM_FUZZ_CASES. */
const CASES = Number(process.env['XIM_FUZZ_CASES'] ?? 8);

const program = fileURLToPath(new URL('../../../../.venv/dev/bin/st', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xim-schemathesis-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('what the description allows, and what it does not', { timeout: 300_000 + 3000 * CASES }, () => {
  it.each([
    ['chat', startChat, 'fuzzing'],
    ['embedding', startEmbedding, 'coverage,fuzzing'],
    ['reranking', startReranking, 'coverage,fuzzing'],
    ['transcription', startEcho, 'coverage,fuzzing'],
    ['speech', speaking, 'coverage,fuzzing'],
    ['pictures', drawing, 'coverage,fuzzing'],
  ] as const)('%s answers without a server error, and as it is described', async (name, start, phases) => {
    const service: Started = await start();
    try {
      const file = join(folder, `${name}.json`);
      writeFileSync(file, await readDescription(service.origin));
      const { code, output } = await run([
        ...['run', file, `--url=${service.origin}`, `--phases=${phases}`, `--max-examples=${CASES}`],
        ...[`--checks=${CHECKS.join(',')}`, '--generation-deterministic', '--continue-on-failure'],
        ...['--suppress-health-check=all', '--request-timeout=60', '--no-color'],
      ]);
      expect(code, output).toBe(0);
      const [, generated, passed] = /(\d+) generated, (\d+) passed/.exec(output) ?? [];
      expect(Number(generated), output).toBeGreaterThan(50);
      expect(passed).toBe(generated);
    } finally {
      await service.close();
    }
  });
});

/**
 * The document with the served model as the only one, since a random name is a 404. Schemathesis takes the schema of
 * `text/event-stream` for that of the event with its `data` as text; here it is that of the data, as other tests hold it.
 */
async function readDescription(origin: string): Promise<string> {
  const get = async (path: string): Promise<string> => (await fetch(`${origin}${path}`)).text();
  const { data } = JSON.parse(await get('/v1/models')) as { data: { id: string }[] };
  return JSON.stringify(JSON.parse(await get('/openapi.json')), (key, value: unknown) => {
    if (key === 'model' && (value as { type?: string }).type === 'string')
      return { type: 'string', enum: [data[0]!.id] };
    return key === 'text/event-stream' ? {} : value;
  });
}

function run(args: string[]): Promise<{ code: number | string; output: string }> {
  const env = { PATH: process.env['PATH'], HOME: folder, LC_ALL: 'C.UTF-8', NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(program, args, { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? 'killed') : 0, output: stdout + stderr }),
    );
  });
}
