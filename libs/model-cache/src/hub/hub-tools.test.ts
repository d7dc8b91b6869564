import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type FakeHub, startFakeHub } from '../../test/fake-hub.ts';
import { makeFile, makeModel, noise } from '../../test/model.ts';
import { fetchArtifact } from '../cache/fetch-artifact.ts';

// Python starts, imports a large package, and does so on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 });

/** The tools' environment, which has the hub's own Python package. */
const PYTHON = join(import.meta.dirname, '../../../../.venv/dev/bin/python');
const COMMIT = 'c'.repeat(40);
const WEIGHTS = noise(200_000);
const CONFIG = Buffer.from('{"hidden_size": 384}');

let folder: string;
let cacheDir: string;
let hub: FakeHub;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xim-hub-tools-'));
  cacheDir = join(folder, 'cache');
  const files = { 'onnx/model.onnx': WEIGHTS, 'config.json': CONFIG };
  hub = await startFakeHub({ 'org/tiny': { commit: COMMIT, files, licence: 'mit' } });
});
afterEach(async () => {
  await hub.close();
  rmSync(folder, { recursive: true });
});

/** The output of a line of Python, which may use `huggingface_hub` under the name `hub`. */
async function python(line: string, env: Record<string, string>): Promise<string> {
  const code = `import huggingface_hub as hub\nprint(${line})`;
  const { stdout } = await promisify(execFile)(PYTHON, ['-c', code], {
    env: { HOME: folder, HF_HUB_CACHE: cacheDir, HF_HUB_DISABLE_XET: '1', HF_HUB_DISABLE_TELEMETRY: '1', ...env },
  });
  return stdout.trim();
}

const model = () => {
  const source = `hf:org/tiny@${COMMIT}`;
  const files = [makeFile('onnx/model.onnx', WEIGHTS, source), makeFile('config.json', CONFIG, source)];
  return makeModel(files, { revision: COMMIT });
};
const fetchModel = (offline: boolean, entry = model()): Promise<string> =>
  fetchArtifact({
    model: entry,
    artifact: 'main',
    cacheDir,
    python: '/none',
    offline,
    hub: { endpoint: hub.endpoint, token: undefined },
  });

test('the hub’s own package finds what XIM fetched, offline', async () => {
  const snapshot = await fetchModel(false);
  const requests = hub.requests.length;
  const env = { HF_HUB_OFFLINE: '1', HF_ENDPOINT: hub.endpoint };
  expect(await python(`hub.hf_hub_download('org/tiny', 'onnx/model.onnx', revision='${COMMIT}')`, env)).toBe(
    join(snapshot, 'onnx/model.onnx'),
  );
  expect(await python(`hub.snapshot_download('org/tiny', revision='${COMMIT}')`, env)).toBe(snapshot);
  expect(await python(`hub.try_to_load_from_cache('org/tiny', 'config.json', revision='${COMMIT}')`, env)).toBe(
    join(snapshot, 'config.json'),
  );
  const scan = '(lambda c: (sorted(r.repo_id for r in c.repos), c.warnings, c.size_on_disk))(hub.scan_cache_dir())';
  expect(await python(scan, env)).toBe(`(['org/tiny'], [], ${WEIGHTS.length + CONFIG.length})`);
  expect(hub.requests).toHaveLength(requests);
});

test('XIM finds what the hub’s own package fetched, offline, and verifies it', async () => {
  const env = { HF_ENDPOINT: hub.endpoint };
  const snapshot = await python("hub.snapshot_download('org/tiny')", env);
  expect(realpathSync(snapshot)).toBe(realpathSync(join(cacheDir, 'models--org--tiny/snapshots', COMMIT)));
  const requests = hub.requests.length;
  expect(await fetchModel(true)).toBe(join(cacheDir, 'models--org--tiny/snapshots', COMMIT));

  // Also for a lock that knows no commit: the contents are taken over, not fetched or stored again.
  const { revision: _, ...unknown } = model();
  const other = await fetchModel(true, unknown);
  expect(other).toContain('/snapshots/sha256-');
  expect(readFileSync(join(other, 'onnx/model.onnx')).equals(WEIGHTS)).toBe(true);
  expect(readFileSync(join(other, 'config.json')).equals(CONFIG)).toBe(true);
  expect(hub.requests).toHaveLength(requests);

  // And its own download is still complete for it.
  const offline = { ...env, HF_HUB_OFFLINE: '1' };
  expect(await python("hub.hf_hub_download('org/tiny', 'config.json')", offline)).toBe(join(snapshot, 'config.json'));
  expect(await python('hub.scan_cache_dir().warnings', offline)).toBe('[]');
});

test('XIM refuses what the hub’s package fetched when it is not what the lock says', async () => {
  await python("hub.snapshot_download('org/tiny')", { HF_ENDPOINT: hub.endpoint });
  const other = makeModel([makeFile('config.json', Buffer.from('{"hidden_size": 385}'), 'file:/none')], {
    revision: COMMIT,
  });
  await expect(fetchModel(true, other)).rejects.toThrow(/config\.json of org\/tiny is not in the model cache/);
  expect(existsSync(join(cacheDir, 'models--org--tiny/snapshots', COMMIT, 'config.json'))).toBe(true);
});
