import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createSocket, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { echo, echoModel } from '@xim/engine-echo';
import { chatCompletions, createServer, defineService, readConfig, type XimServer } from '@xim/server';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { dashboards, folder, toText } from './dashboards.ts';

const OBSERVABILITY = fileURLToPath(new URL('../../xim/observability/', import.meta.url));
const read = (file: string): string => readFileSync(join(OBSERVABILITY, file), 'utf8');
const PROMETHEUS = 'prometheus: Debian has it in the package prometheus';
const hasPrometheus = spawnSync('promtool', ['--version']).status === 0;

/** Series that appear with their first event, or under a CPU quota; this service has neither. */
const NEVER_HERE = /xim_refused_total|xim_cpu_/;

interface Expression {
  readonly panel: string;
  readonly promql: string;
}

/** Every query of the dashboards, as Grafana sends it when all services are chosen. */
const expressions: Expression[] = Object.values(dashboards).flatMap(({ panels = [] }) =>
  panels.flatMap((panel) =>
    ('targets' in panel ? (panel.targets ?? []) : []).map((target) => ({
      panel: panel.title ?? '',
      promql: (target as unknown as { expr: string }).expr
        .replaceAll(/\$(service|instance)/g, '.*')
        .replaceAll('$__rate_interval', '10s'),
    })),
  ),
);

/** Energy is known by these, where the CPU does not count it. */
const ENERGY = { XIM_WATTS_PER_CORE: '5', XIM_CARBON_GRAMS_PER_KWH: '300' };

let tmp: string;
let server: XimServer;
let origin: string;

beforeAll(async () => {
  tmp = mkdtempSync(join(tmpdir(), 'xim-observability-'));
  const models = join(tmp, 'models.json');
  writeFileSync(models, JSON.stringify({ lockVersion: 1, models: { main: echoModel('generate') } }));
  const service = { name: 'chat', task: 'generate', engines: [echo], routes: [chatCompletions] } as const;
  const { config } = readConfig({ ...ENERGY, XIM_LOG_LEVEL: 'silent', XIM_VENVS: process.env['XIM_VENVS'] });
  server = await createServer(defineService({ ...service, models: pathToFileURL(models) }), config);
  origin = await server.app.listen({ host: '127.0.0.1', port: 0 });
  await server.ready;
}, 60_000);

afterAll(async () => {
  await server.close({ drainMs: 0 });
  rmSync(tmp, { recursive: true, force: true });
});

it.each(Object.keys(dashboards))('%s.json is what npx tsx tools/observability/dashboards.ts writes', (name) => {
  expect(readFileSync(new URL(`${name}.json`, folder), 'utf8')).toBe(toText(dashboards[name]!));
});

it('shows only metrics that a service has', async () => {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const known = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
  const rules = parse(read('alerts.yaml')) as { groups: { rules: { expr: string }[] }[] };
  const queries = [...expressions.map(({ promql }) => promql), ...rules.groups[0]!.rules.map(({ expr }) => expr)];
  const named = queries.flatMap((query) => query.match(/\b(xim|process|nodejs)_\w+/g) ?? []);
  expect(named.length).toBeGreaterThan(30);
  expect(named.map((name) => name.replace(/_(bucket|sum|count)$/, '')).filter((name) => !known.includes(name))).toEqual(
    [],
  );
});

describe('in Prometheus', () => {
  let prometheus: ChildProcess | undefined;
  let address: string;

  beforeAll(async () => {
    if (!hasPrometheus) return;
    const port = await freePort();
    address = `http://127.0.0.1:${port}`;
    const config = join(tmp, 'prometheus.yaml');
    const target = { job_name: 'xim', static_configs: [{ targets: [new URL(origin).host] }] };
    writeFileSync(config, JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: [target] }));
    const args = [`--config.file=${config}`, `--storage.tsdb.path=${join(tmp, 'data')}`, '--log.level=error'];
    prometheus = spawn('prometheus', [...args, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'inherit' });
    await vi.waitFor(async () => expect(await query('up{job="xim"}')).toHaveLength(1), { timeout: 60_000 });
  }, 90_000);

  afterAll(async () => {
    if (!prometheus) return;
    prometheus.kill();
    await once(prometheus, 'exit');
  });

  async function query(promql: string): Promise<unknown[]> {
    const answer = await fetch(`${address}/api/v1/query?query=${encodeURIComponent(promql)}`);
    const body = (await answer.json()) as { status: string; error?: string; data: { result: unknown[] } };
    if (body.status !== 'success') throw new Error(`${promql}: ${body.error}`);
    return body.data.result;
  }

  it('answers every query of the dashboards', { timeout: 120_000 }, async (context) => {
    context.skip(!hasPrometheus, PROMETHEUS);
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'one two three' }] });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${origin}/v1/chat/completions`, { method: 'POST', headers, body });
    expect(answer.status).toBe(200);
    // A rate needs two samples of a series, so a query may have no result for some seconds.
    for (const { panel, promql } of expressions.filter(({ promql }) => !NEVER_HERE.test(promql)))
      await vi.waitFor(async () => expect(await query(promql), panel).not.toEqual([]), { timeout: 60_000 });
    for (const { promql } of expressions) await query(promql);
  });
});

describe('rules', () => {
  const promtool = (...args: string[]) => execFileSync('promtool', args, { cwd: OBSERVABILITY, encoding: 'utf8' });

  it('has a case for each alert', () => {
    const names = (text: string) => [...new Set(text.match(/(?<=\balert(?:name)?: )\w+/g))].sort();
    expect(names(read('alerts.test.yaml'))).toEqual(names(read('alerts.yaml')));
  });

  it('fires as the cases say', (context) => {
    context.skip(!hasPrometheus, PROMETHEUS);
    expect(promtool('test', 'rules', 'alerts.test.yaml')).toContain('SUCCESS');
    expect(promtool('check', 'config', 'prometheus.yaml')).toContain('is valid prometheus config');
  });
});

async function freePort(): Promise<number> {
  const socket = createSocket().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address() as AddressInfo;
  socket.close();
  await once(socket, 'close');
  return port;
}
