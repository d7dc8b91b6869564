import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { buildImages } from './build.ts';
import { ROOT } from './checkout.ts';
import { docker, readDockerHost, SKIPPED } from './docker-host.ts';
import { REQUESTS, startLoad, type Load } from './load.ts';
import { refuseHosts, startSwarm, type SwarmHost, type SwarmHosts } from './swarm-hosts.ts';

const MINUTE = 60_000;
const dockerHost = readDockerHost();
const refusal = dockerHost ? refuseHosts() : SKIPPED;

describe('the family on three hosts of a Docker Swarm', { timeout: 10 * MINUTE }, () => {
  const work = mkdtempSync(join(tmpdir(), 'xim-swarm-'));
  let swarm: SwarmHosts;
  let manager: SwarmHost;
  let origin: string;
  let load: Load;

  beforeAll(async () => {
    if (refusal) return;
    await makeImages();
    swarm = await startSwarm(join(work, 'hosts'), 3);
    manager = swarm.hosts[0]!;
    origin = `http://${manager.address}:8000`;
    for (const host of swarm.hosts) await host.docker('load', '--quiet', `--input=${join(work, 'images.tar')}`);
    await manager.docker('node', 'update', '--label-add=xim.proxy=true', await nodeOf(manager));
    await deploy();
    for (const kind of ['chat', 'embedding'] as const) await untilServed(kind);
    load = startLoad(origin, ['chat', 'stream', 'embedding']);
  }, 20 * MINUTE);
  beforeEach((context) => context.skip(refusal !== undefined, refusal));
  afterAll(async () => {
    if (swarm) {
      await load?.stop();
      await swarm.remove();
    }
    rmSync(work, { recursive: true, force: true });
  }, 5 * MINUTE);

  it('scales by the metrics that the chart gives to KEDA', async () => {
    expect(await replicasByMetrics('chat')).toBeLessThan(3);
    const burst = startLoad(origin, Array<'chat'>(14).fill('chat'));
    try {
      await vi.waitFor(async () => expect(await replicasByMetrics('chat')).toBe(3), { timeout: MINUTE, interval: 50 });
      await scale({ chat: 3, embedding: 3 });
      await untilRunning('chat', 3);
    } finally {
      await burst.stop();
    }
    await untilRunning('embedding', 3);
    expect(lost(burst)).toEqual([]);
    expect(lost(load)).toEqual([]);
  });

  it('loses nothing while every replica is replaced', async () => {
    for (const service of ['chat', 'embedding']) {
      // Without --detach the client waits until the update has ended.
      await manager.docker('service', 'update', '--quiet', '--force', '--no-resolve-image', `xim_${service}`);
      const state = await manager.docker('service', 'inspect', '--format={{.UpdateStatus.State}}', `xim_${service}`);
      expect(state, await manager.docker('service', 'ps', '--no-trunc', `xim_${service}`)).toBe('completed');
    }
    expect(lost(load)).toEqual([]);
  });

  it('loses nothing while a host is drained', async ({ annotate }) => {
    const drained = await nodeOf(swarm.hosts[2]!);
    await manager.docker('node', 'update', '--availability=drain', drained);
    await vi.waitFor(async () => expect(await tasksOn(drained)).toEqual([]), { timeout: 5 * MINUTE, interval: 1000 });
    for (const service of ['chat', 'embedding']) await untilRunning(service, 3);
    await load.stop();
    expect(lost(load)).toEqual([]);
    await annotate(summary(load));
  });

  it('loses only requests that were open on a host that is lost, and each of them with an error', async ({
    annotate,
  }) => {
    await manager.docker('node', 'update', '--availability=active', await nodeOf(swarm.hosts[2]!));
    await scale({ chat: 3, embedding: 3 });
    for (const service of ['chat', 'embedding']) await untilRunning(service, 3);
    const lostNode = await nodeOf(swarm.hosts[1]!);
    const replicas = await tasksOn(lostNode);
    expect(replicas).not.toEqual([]);
    load = startLoad(origin, ['chat', 'stream', 'stream', 'embedding']);
    await vi.waitFor(() => expect(load.answers.length).toBeGreaterThan(8), { timeout: 5 * MINUTE, interval: 50 });
    const lostAt = performance.now();
    const open = load.open;
    await swarm.hosts[1]!.lose();
    for (const service of ['chat', 'embedding']) await untilPlaced(service, 3, lostNode);
    const placed = performance.now();
    const served = load.answers.length;
    // The clients find the new replicas, too.
    await vi.waitFor(() => expect(load.answers.length).toBeGreaterThan(served + 8), {
      timeout: 5 * MINUTE,
      interval: 50,
    });
    await load.stop();
    const failed = load.answers.filter(({ outcome }) => outcome !== 'served');
    await annotate(
      `lost ${replicas.join(', ')}: ${failed.length} of ${open} open requests failed, ` +
        `replaced after ${((placed - lostAt) / 1000).toFixed(0)} s\n${summary(load)}\n${lost(load).join('\n')}`,
    );
    expect(failed.filter(({ started }) => started > lostAt)).toEqual([]);
    expect(failed.length).toBeLessThanOrEqual(open);
    // A whole answer with the status 200 and less than it should hold would look like a success.
    expect(failed.filter(({ detail }) => detail.startsWith('cut off'))).toEqual([]);
  });

  /** The images of two services with their weights, and the proxy's, in one archive. */
  async function makeImages(): Promise<void> {
    await buildImages('chat:docker-build:embedded', 'embedding:docker-build:embedded');
    const haproxy = join(work, 'haproxy');
    mkdirSync(haproxy);
    // The public image is out of reach of some machines; Debian's package is the same program.
    writeFileSync(
      join(haproxy, 'Dockerfile'),
      [
        'FROM node:24-bookworm-slim',
        'RUN apt-get update && apt-get install -y --no-install-recommends haproxy',
        'USER haproxy',
        'CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]',
      ].join('\n'),
    );
    const own = (process.env['XIM_DOCKER_BUILD_ARGS'] ?? '').split(' ').filter(Boolean);
    docker(['build', ...own, '--quiet', '--tag=xim-test-haproxy', haproxy]);
    docker(['save', `--output=${join(work, 'images.tar')}`, 'opea-xim/chat', 'opea-xim/embedding', 'xim-test-haproxy']);
  }

  /** The stack as it is shipped, with the two services whose images are here, and few slots. */
  async function deploy(): Promise<void> {
    const compose = join(ROOT, 'xim/compose');
    const stack = parse(readFileSync(join(compose, 'stack.yaml'), 'utf8'), { merge: true });
    for (const service of ['whisperx', 'speech', 'sd-ipex']) delete stack.services[service];
    for (const service of ['chat', 'embedding'])
      stack.services[service].environment = { XIM_SLOTS: '2', XIM_QUEUE: '64', XIM_THREADS: '1' };
    for (const config of Object.values(stack.configs) as { file: string }[]) config.file = join(compose, config.file);
    const file = join(work, 'stack.yaml');
    // The client reads the variables from its environment.
    writeFileSync(
      file,
      stringify(stack)
        .replaceAll(/\$\{XIM_REGISTRY:-[^}]+\}/g, 'opea-xim')
        .replaceAll(/\$\{XIM_HAPROXY_IMAGE:-[^}]+\}/g, 'xim-test-haproxy'),
    );
    await manager.docker('stack', 'deploy', '--detach=true', '--resolve-image=never', `--compose-file=${file}`, 'xim');
  }

  const scale = (replicas: Record<string, number>): Promise<string> =>
    manager.docker(
      ...['service', 'scale', '--detach'],
      ...Object.entries(replicas).map(([service, count]) => `xim_${service}=${count}`),
    );

  const nodeOf = (host: SwarmHost): Promise<string> => host.docker('info', '--format={{.Swarm.NodeID}}');

  const tasksOn = async (node: string): Promise<string[]> => {
    const tasks = await manager.docker('node', 'ps', '--format={{.Name}} {{.CurrentState}}', node);
    return tasks.split('\n').filter((task) => / Running/.test(task));
  };

  async function untilServed(kind: keyof typeof REQUESTS): Promise<void> {
    await vi.waitFor(async () => expect(await REQUESTS[kind](origin)).toMatchObject({ outcome: 'served' }), {
      timeout: 5 * MINUTE,
      interval: 1000,
    });
  }

  async function untilRunning(service: string, count: number): Promise<void> {
    const replicas = async () =>
      (await manager.docker('service', 'ls', '--format={{.Replicas}}', `--filter=name=xim_${service}`)).split(' ')[0];
    await vi.waitFor(async () => expect(await replicas()).toBe(`${count}/${count}`), {
      timeout: 5 * MINUTE,
      interval: 1000,
    });
  }

  /** Resolves when all replicas of a service run, none of them on a node. */
  async function untilPlaced(service: string, count: number, without: string): Promise<void> {
    const tasks = async (): Promise<string[]> => {
      const args = ['--filter=desired-state=running', '--format={{.ID}}', `xim_${service}`];
      const ids = (await manager.docker('service', 'ps', ...args)).split('\n').filter(Boolean);
      const states = await manager.docker('inspect', '--format={{.NodeID}} {{.Status.State}}', ...ids);
      return states.split('\n').filter((task) => task.endsWith(' running') && !task.startsWith(without));
    };
    await vi.waitFor(async () => expect(await tasks()).toHaveLength(count), { timeout: 5 * MINUTE, interval: 1000 });
  }

  /**
   * The number of replicas that KEDA would ask for: for each trigger of the chart the sum of its metric over all
   * replicas by its threshold, rounded up, and the largest of them (https://keda.sh/docs/latest/concepts/scaling-deployments/).
   */
  async function replicasByMetrics(service: string): Promise<number> {
    const { queue, busySlots } = parse(readFileSync(join(ROOT, 'xim/chart/values.yaml'), 'utf8')).autoscaling;
    const container = await manager.docker('ps', '--quiet', '--filter=label=com.docker.swarm.service.name=xim_proxy');
    const script = `for a in $(getent ahostsv4 ${service} | cut -d" " -f1 | sort -u); do
      node -e 'fetch(process.argv[1]).then((r) => r.text()).then((t) => console.log(t))' http://$a:8000/metrics; done`;
    const text = await manager.docker('exec', container, 'sh', '-c', script);
    const values = (name: string): number[] =>
      [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\S+)$`, 'gm'))].map(([, value]) => Number(value));
    const sum = (numbers: number[]): number => numbers.reduce((total, value) => total + value, 0);
    const slots = values('xim_slots');
    const busy = values('xim_running_sequences').map((running, index) => running / slots[index]!);
    const wanted = [sum(values('xim_queue_sequences')) / queue, sum(busy) / busySlots].map(Math.ceil);
    return Math.min(3, Math.max(1, ...wanted));
  }
});

/** The requests that were not served, with the reason. */
const lost = ({ answers }: Load): string[] =>
  answers.flatMap(({ outcome, service, detail }) => (outcome === 'served' ? [] : [`${service}: ${detail}`]));

/** A line per service: its requests by outcome, and the longest time of an answer. */
function summary({ answers }: Load): string {
  const services = [...new Set(answers.map((answer) => answer.service))];
  return services
    .map((service) => {
      const own = answers.filter((answer) => answer.service === service);
      const count = (outcome: string): number => own.filter((answer) => answer.outcome === outcome).length;
      const longest = Math.max(...own.map(({ started, ended }) => ended - started)) / 1000;
      const counts = ['served', 'refused', 'failed'].map((outcome) => `${count(outcome)} ${outcome}`);
      return `${service}: ${counts.join(', ')}, longest ${longest.toFixed(1)} s`;
    })
    .join('\n');
}
