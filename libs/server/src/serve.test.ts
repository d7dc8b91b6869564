import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './__fixtures__/until.ts';

const tsx = createRequire(import.meta.url).resolve('tsx');
const main = new URL('./__fixtures__/fake-main.ts', import.meta.url).pathname;

interface Running {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  out: string;
  err: string;
}

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

function run(options: { env?: Record<string, string>; behaviour?: object; args?: string[] } = {}): Running {
  const { env, behaviour = {}, args = [] } = options;
  const command = ['--conditions=@xim/source', '--import', tsx, main, JSON.stringify(behaviour), ...args];
  const child = spawn(process.execPath, command, {
    env: { ...process.env, XIM_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve));
  const running: Running = { child, exit, out: '', err: '' };
  child.stdout!.on('data', (data: Buffer) => (running.out += data.toString()));
  child.stderr!.on('data', (data: Buffer) => (running.err += data.toString()));
  return running;
}

const URL_LINE = /^http:\/\/127\.0\.0\.1:\d+\/v1$/m;
async function served(running: Running): Promise<string> {
  await until(() => URL_LINE.test(running.out) || running.child.exitCode !== null, 'the URL', 120_000);
  return URL_LINE.exec(running.out)![0];
}

const post = (url: string, body: object) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('serve', () => {
  it('prints the plan, a curl line that works, and last the URL; SIGTERM ends it with 0', async () => {
    const running = run();
    const url = await served(running);
    const lines = running.out.trim().split('\n');
    expect(lines.at(-1)).toBe(url);
    expect(running.out).toMatch(/slots/);
    const curl = /^ {2}curl (\S+) -H 'Content-Type: application\/json' -d '(.*)'$/m.exec(running.out);
    expect(curl?.[1]).toBe(`${url}/chat/completions`);
    expect(JSON.parse(curl![2]!)).toMatchObject({ model: 'xim/fake' });
    expect((await fetch(`${url}/models`)).status).toBe(200);
    for (const line of running.err.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ service: 'fake' });
    running.child.kill('SIGTERM');
    expect(await running.exit).toBe(0);
  });

  it('loses no connection of a crowd that comes while it has no CPU', async () => {
    const running = run();
    const port = Number(new URL(await served(running)).port);
    running.child.kill('SIGSTOP');
    const sockets = Array.from({ length: 600 }, () => connect(port, '127.0.0.1'));
    try {
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      running.child.kill('SIGCONT');
      const answers = await Promise.all(
        sockets.map(async (socket) => {
          socket.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
          const [head] = (await once(socket, 'data')) as [Buffer];
          return head.toString().split('\r\n')[0];
        }),
      );
      expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 200 OK']));
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  it('lets a running request finish after SIGINT, and takes a stuttered signal for one', async () => {
    const running = run({ behaviour: { tokenMs: 20 } });
    const url = await served(running);
    const answer = await post(`${url}/stream`, { tokens: 50 });
    running.child.kill('SIGINT');
    running.child.kill('SIGTERM');
    expect((await answer.text()).match(/text-delta/g)).toHaveLength(50);
    expect(await running.exit).toBe(0);
  });

  it('SIGHUP takes the keys of the file as it is now, and keeps the old ones where the file is wrong', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'xim-keys-'));
    const file = join(folder, 'keys');
    writeFileSync(file, 'old-key\n');
    const running = run({ env: { XIM_API_KEYS_FILE: file } });
    const url = await served(running);
    const status = async (key: string): Promise<number> =>
      (await fetch(`${url}/models`, { headers: { authorization: `Bearer ${key}` } })).status;
    const hangUp = async (text: string, line: string): Promise<void> => {
      writeFileSync(file, text);
      running.child.kill('SIGHUP');
      await until(() => running.err.includes(line), line);
    };
    expect([await status('old-key'), await status('new-key')]).toEqual([200, 401]);
    await hangUp('new-key\nother-key\n', 'the API keys are read again');
    expect([await status('old-key'), await status('new-key'), await status('other-key')]).toEqual([401, 200, 200]);
    await hangUp('\n', 'the API keys stay as they are');
    expect([await status('old-key'), await status('new-key')]).toEqual([401, 200]);
    expect(running.err).not.toMatch(/old-key|new-key|other-key/);
    rmSync(folder, { recursive: true });
    running.child.kill('SIGTERM');
    expect(await running.exit).toBe(0);
  });

  it('ends at once at a second signal', async () => {
    const running = run({ behaviour: { tokenMs: 1e6 }, env: { XIM_DRAIN_SECONDS: '600' } });
    const url = await served(running);
    const answer = post(`${url}/once`, {}).catch((error: unknown) => error);
    await until(() => running.err.includes('the engine is ready'), 'ready');
    const metrics = async (): Promise<string> => (await fetch(url.replace(/v1$/, 'metrics'))).text();
    await until(async () => /^xim_running_sequences{.*} 1$/m.test(await metrics()), 'the call runs');
    running.child.kill('SIGTERM');
    await until(() => running.err.includes('shutting down'), 'it drains');
    // Repeats within a second of the first signal count as one signal; that second began before this wait.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(running.child.exitCode).toBeNull();
    running.child.kill('SIGTERM');
    expect(await running.exit).toBe(1);
    expect(await answer).toBeInstanceOf(Error);
  });

  it('listens, not ready, before the engine is there, and can be stopped then', async () => {
    const running = run({ behaviour: { startMs: 1e6 } });
    await until(() => running.err.includes('Server listening'), 'it listens', 120_000);
    const address = /Server listening at (http:\S+?)"/.exec(running.err)![1]!;
    expect((await fetch(`${address}/health/ready`)).status).toBe(503);
    expect((await fetch(`${address}/health/live`)).status).toBe(200);
    expect((await post(`${address}/v1/once`, {})).status).toBe(503);
    expect(running.out).not.toMatch(URL_LINE);
    running.child.kill('SIGTERM');
    expect(await running.exit).toBe(0);
  });

  it('prints the table with --help and starts nothing', async () => {
    const running = run({ args: ['--help'] });
    expect(await running.exit).toBe(0);
    expect(running.out).toMatch(/XIM_PORT +8000/);
    expect(running.err).toBe('');
  });
});

describe('what cannot start', () => {
  const sentence = async (running: Running): Promise<string> => {
    expect(await running.exit).toBe(1);
    expect(running.err).not.toMatch(/^ +at /m); // no stack
    return running.err.trim().split('\n').at(-1)!;
  };

  it('says that the port is in use', async () => {
    const other = createTcpServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const running = run({ env: { XIM_PORT: String(port) } });
    expect(await sentence(running)).toBe(
      `[server] Port ${port} on 127.0.0.1 is in use. Stop what listens there, or set XIM_PORT to another.`,
    );
    other.close();
  });

  it('says that the address is not one of this machine', async () => {
    expect(await sentence(run({ env: { XIM_HOST: '192.0.2.1' } }))).toContain('XIM_HOST="192.0.2.1" is not an address');
  });

  it('says what is wrong with the configuration', async () => {
    expect(await sentence(run({ env: { XIM_PORT: 'http' } }))).toContain('XIM_PORT="http": expected a whole number');
  });

  it('says that it takes no such argument', async () => {
    expect(await sentence(run({ args: ['--port=1'] }))).toContain('"--port=1" is no argument of fake');
  });

  it('says why the engine will never start, after its last words', async () => {
    const running = run({ behaviour: { startError: '[engine-fake] The weights are broken.' } });
    expect(await sentence(running)).toBe('[engine-fake] The weights are broken.');
    expect(running.err).toContain('  its last words\n');
  });

  it('says what the host is missing', async () => {
    const refusal = { missing: ['amx_bf16 (found: avx2)'], advice: 'Use another host.' };
    expect(await sentence(run({ behaviour: { refusal } }))).toBe(
      '[server] No engine can run xim/fake on this host: fake is missing amx_bf16 (found: avx2). Use another host.',
    );
  });
});
