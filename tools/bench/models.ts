// `node --conditions=@xim/source --import tsx tools/bench/models.ts [verify] [kills] [pulls] [offline]`: what the model
// cache promises, measured on this machine. Nothing is asserted here that the tests do not assert; the figures are.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOT } from './processes.ts';

const PROGRAM = ['--conditions=@xim/source', '--import', 'tsx', join(ROOT, 'libs/model-tools/src/bin.ts')];
const GIB = 2 ** 30;
const folder = mkdtempSync(join(tmpdir(), 'xim-bench-models-'));
const say = (line: string): void => console.log(line);

const BENCHMARKS = { verify, kills, pulls, offline };
const names = process.argv.slice(2);
try {
  for (const [name, run] of Object.entries(BENCHMARKS)) if (names.length === 0 || names.includes(name)) await run();
} finally {
  rmSync(folder, { recursive: true });
}

/** Time and peak memory of hashing 10 MB and 1 GiB: the difference is the cost of the size. */
async function verify(): Promise<void> {
  for (const size of [10 * 2 ** 20, GIB]) {
    const path = join(folder, `${size}.bin`);
    const sha256 = await writeNoise(path, size);
    const lock = writeLock(size, sha256, `file:${path}`);
    const cache = join(folder, `cache-${size}`);
    await finish(start(['pull', lock, '--cache', cache]));
    const began = performance.now();
    const { peakBytes } = await finish(start(['verify', lock, '--cache', cache]), 0, true);
    const seconds = (performance.now() - began) / 1000;
    say(`verify ${(size / 1e6).toFixed()} MB: ${seconds.toFixed(2)} s, peak memory ${(peakBytes / 1e6).toFixed()} MB`);
  }
}

/** Kills a pull a hundred times at any moment. Each file with the name of a content must hold that content. */
async function kills(): Promise<void> {
  const size = 64 * 2 ** 20;
  const path = join(folder, 'weights.bin');
  const sha256 = await writeNoise(path, size);
  const web = await serve(path, size);
  const lock = writeLock(size, sha256, `${web.origin}/weights`);
  const cache = join(folder, 'cache-kills');
  const blob = join(cache, 'models--org--bench/blobs', sha256);
  const found = { killed: 0, partial: 0, completed: 0, bad: 0 };
  while (found.killed < 100) {
    const asked = web.requests();
    const child = start(['pull', lock, '--cache', cache]);
    let ended = false;
    const end = once(child, 'close').then(() => (ended = true));
    // One in ten anywhere from its start on, the others within the transfer, the check of it and the renaming.
    const early = Math.random() < 0.1;
    while (!early && !ended && web.requests() === asked) await Promise.race([end, delay(5)]);
    await Promise.race([end, delay(Math.random() * 2000)]);
    if (!ended) {
      child.kill('SIGKILL');
      await end;
      found.killed += 1;
    }
    if (existsSync(join(cache, '.partial'))) found.partial += 1;
    if (!existsSync(blob)) continue;
    found.completed += 1;
    if ((await hash(blob)) !== sha256) found.bad += 1;
    rmSync(cache, { recursive: true });
  }
  await finish(start(['pull', lock, '--cache', cache]));
  await finish(start(['verify', lock, '--cache', cache]));
  await web.close();
  const { killed, partial, completed, bad } = found;
  const left = `a part was left ${partial} times, a whole content ${completed} times, ${bad} of those bad`;
  say(`${killed} kills: ${left}; the last pull is good`);
}

/** Eight processes at once. */
async function pulls(): Promise<void> {
  const size = 64 * 2 ** 20;
  const path = join(folder, 'shared.bin');
  const sha256 = await writeNoise(path, size);
  const web = await serve(path, size);
  const lock = writeLock(size, sha256, `${web.origin}/shared`);
  const children = Array.from({ length: 8 }, () => start(['pull', lock, '--cache', join(folder, 'cache-pulls')]));
  await Promise.all(children.map((child) => finish(child)));
  await web.close();
  say(`8 pulls at once: ${web.requests()} request for ${size} bytes, ${web.sent()} bytes sent`);
}

/** A chat from an imported tar, in an empty cache, in a separate network namespace where the system allows it. */
async function offline(): Promise<void> {
  const lock = join(ROOT, 'apps/chat/models.json');
  const tar = join(folder, 'chat.tar');
  const cache = join(folder, 'cache-offline');
  const from = process.env['XIM_MODEL_CACHE'] ?? join(ROOT, '.model_cache');
  await finish(start(['export', lock, '--cache', from, '--to', tar]));
  await finish(start(['import', tar, '--cache', cache], { XIM_OFFLINE: '1' }));
  const main = join(ROOT, 'apps/chat/src/main.ts');
  const service = [process.execPath, '--conditions=@xim/source', '--import', 'tsx', main];
  // Only the loopback interface exists in the namespace, and the client is inside too.
  const script = `ip link set lo up && "$@" & service=$!
    until node -e 'fetch("http://127.0.0.1:8000/health/ready").then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))'; do
      kill -0 $service || exit 1; sleep 1; done
    node -e 'fetch("http://127.0.0.1:8000/v1/chat/completions", { method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "gpt-4o-mini", messages: [{ role: "user", content: "Tell me about the sea." }], max_completion_tokens: 16 })
      }).then((r) => r.json()).then((answer) => console.log("ANSWER " + JSON.stringify(answer.choices[0].message.content)))'
    kill $service; wait $service`;
  const env = { XIM_OFFLINE: '1', XIM_MODEL_CACHE: cache, XIM_VENVS: process.env['XIM_VENVS'] ?? join(ROOT, '.venv') };
  const child = spawn('unshare', ['--map-root-user', '--net', 'sh', '-c', script, 'sh', ...service], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  const [, answer] = /^ANSWER (.*)/m.exec(output) ?? [];
  say(
    answer === undefined
      ? `offline: no answer\n${output}`
      : `offline, from ${readdirSync(cache).join(', ')}: ${answer}`,
  );
}

function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [...PROGRAM, ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Waits for a child; `watch` asks for its peak memory while it lives. */
async function finish(child: ChildProcess, expected = 0, watch = false): Promise<{ peakBytes: number }> {
  let peakBytes = 0;
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => (words += chunk.toString()));
  const timer = setInterval(() => {
    if (!watch) return;
    try {
      const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      peakBytes = Math.max(peakBytes, Number(kilobytes ?? 0) * 1024);
    } catch {
      // It has just ended.
    }
  }, 20);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(timer);
  if (code !== expected) throw new Error(`expected exit code ${expected}, found ${code}: ${words}`);
  return { peakBytes };
}

async function writeNoise(path: string, size: number): Promise<string> {
  const hashed = createHash('sha256');
  const file = await open(path, 'w');
  let block = createHash('sha512').update(String(size)).digest();
  for (let written = 0; written < size; written += 2 ** 20) {
    block = createHash('sha512').update(block).digest();
    const chunk = Buffer.alloc(2 ** 20, block);
    hashed.update(chunk);
    await file.appendFile(chunk);
  }
  await file.close();
  return hashed.digest('hex');
}

async function hash(path: string): Promise<string> {
  const hashed = createHash('sha256');
  for await (const chunk of createReadStream(path)) hashed.update(chunk as Buffer);
  return hashed.digest('hex');
}

function writeLock(size: number, sha256: string, source: string): string {
  const path = join(folder, `models-${sha256.slice(0, 8)}.json`);
  const artifacts = { main: { files: [{ path: 'weights.bin', size, sha256, sources: [source] }] } };
  const profiles = [{ engine: 'echo', artifact: 'main', isa: [] }];
  const main = { id: 'org/bench', task: 'embed', licence: 'MIT', created: 1, artifacts, profiles, shape: {} };
  writeFileSync(path, JSON.stringify({ lockVersion: 1, models: { main } }));
  return path;
}

/** Serves one file with ranges, about 64 MiB in a second, so that there is time to be killed in. */
async function serve(path: string, size: number) {
  let [requests, sent] = [0, 0];
  const send = async (response: ServerResponse, from: number): Promise<void> => {
    for await (const chunk of createReadStream(path, { start: from, highWaterMark: 2 ** 20 })) {
      if (response.destroyed) return;
      sent += (chunk as Buffer).length;
      response.write(chunk);
      await delay(15);
    }
    response.end();
  };
  const server = createServer((request, response) => {
    requests += 1;
    const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const from = Number(first ?? 0);
    response.writeHead(first === undefined ? 200 : 206, {
      etag: '"1"',
      'content-length': size - from,
      ...(first !== undefined && { 'content-range': `bytes ${from}-${size - 1}/${size}` }),
    });
    void send(response, from);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, requests: () => requests, sent: () => sent, close };
}
