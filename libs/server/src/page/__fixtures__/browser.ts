import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** The path of Chromium or Chrome; undefined where this machine has none. */
export function findBrowser(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const names = ['chromium', 'google-chrome'];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

export interface Browser {
  /** Opens a page, and resolves when it is loaded. */
  open(url: string): Promise<void>;
  /** The value of an expression in the page; a promise is awaited. */
  evaluate<T>(expression: string): Promise<T>;
  /** Errors of the page so far: exceptions, refusals of its content security policy, failed requests. */
  readonly problems: readonly string[];
  close(): Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: object;
  readonly error?: { readonly message: string };
  readonly params?: Record<string, unknown>;
}

/** Starts a browser without a window, driven by the DevTools protocol over a pipe: messages of JSON, each ended by a zero byte. */
export async function startBrowser(program: string): Promise<Browser> {
  const folder = mkdtempSync(join(tmpdir(), 'xim-browser-'));
  const child: ChildProcess = spawn(
    program,
    [
      ...['--headless=new', '--remote-debugging-pipe', '--no-first-run', '--no-sandbox', '--disable-gpu'],
      ...['--disable-dev-shm-usage', '--disable-extensions', '--no-proxy-server', `--user-data-dir=${folder}`],
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const closed = once(child, 'close');
  const [input, output] = [child.stdio[3] as Writable, child.stdio[4] as Readable];
  const waiting = new Map<number, { resolve(result: object): void; reject(error: Error): void }>();
  const problems: string[] = [];
  let onLoad: (() => void) | undefined;
  let rest = '';
  let last = 0;

  output.setEncoding('utf8').on('data', (text: string) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop()!;
    for (const message of messages) read(JSON.parse(message) as Message);
  });
  output.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('The browser ended.'));
  });
  const read = ({ id, method, result, error, params }: Message): void => {
    if (id !== undefined) {
      const call = waiting.get(id);
      waiting.delete(id);
      if (error) call?.reject(new Error(error.message));
      else call?.resolve(result ?? {});
    } else if (method === 'Page.loadEventFired') onLoad?.();
    else if (method === 'Runtime.exceptionThrown') problems.push(JSON.stringify(params?.['exceptionDetails']));
    else if (method === 'Log.entryAdded') {
      const { level, text, url } = params!['entry'] as { level: string; text: string; url?: string };
      if (level === 'error') problems.push(`${text} ${url ?? ''}`);
    }
  };
  let sessionId: string | undefined;
  const send = <T>(method: string, params: object = {}): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const id = (last += 1);
      waiting.set(id, { resolve: (result) => resolve(result as T), reject });
      input.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`);
    });

  const { targetId } = await send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
  ({ sessionId } = await send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true }));
  for (const domain of ['Page', 'Runtime', 'Log']) await send(`${domain}.enable`);

  return {
    problems,
    async open(url) {
      const loaded = new Promise<void>((resolve) => (onLoad = resolve));
      await send('Page.navigate', { url });
      await loaded;
    },
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = await send<{ result: { value: T }; exceptionDetails?: object }>(
        'Runtime.evaluate',
        { expression, awaitPromise: true, returnByValue: true },
      );
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
      return result.value;
    },
    async close() {
      sessionId = undefined;
      await send('Browser.close').catch(() => undefined);
      await closed;
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}
