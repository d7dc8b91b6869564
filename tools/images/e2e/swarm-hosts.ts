import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

/** One host of a cluster: a network namespace of this machine with a container engine of its own. */
export interface SwarmHost {
  readonly address: string;
  /** Runs the client of its engine; resolves with the output. */
  docker(...args: string[]): Promise<string>;
  /** Takes the host from the others at once, as a loss of power does: no connection is closed. Then ends all that ran on it. */
  lose(): Promise<void>;
}

export interface SwarmHosts {
  /** The first is the manager. */
  readonly hosts: readonly SwarmHost[];
  /** Ends the engines and removes all that was made. */
  remove(): Promise<void>;
}

/** Why this machine can have no such hosts; undefined where it can. */
export function refuseHosts(): string | undefined {
  if (process.getuid?.() !== 0) return 'containers: network namespaces need root';
  for (const [program, args] of [
    ['ip', ['-V']],
    ['nsenter', ['--version']],
    ['dockerd', ['--version']],
  ] as const) {
    try {
      execFileSync(program, args, { stdio: 'ignore' });
    } catch {
      return `containers: ${program} is not there`;
    }
  }
  return undefined;
}

/**
 * Makes hosts in network namespaces, joined by a bridge, and a Docker Swarm of them.
 *
 * @param folder for the engines' files
 */
export async function startSwarm(folder: string, count: number): Promise<SwarmHosts> {
  const id = process.pid % 1000;
  const network = `10.77.${id % 250}`;
  const bridge = `ximb${id}`;
  const engines: ChildProcess[] = [];
  const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });
  const namespace = (index: number): string => `xim${id}h${index}`;

  const startHost = async (index: number): Promise<SwarmHost> => {
    const own = join(folder, `host${index}`);
    const [outside, inside] = [`ximv${id}h${index}`, namespace(index)];
    const address = `${network}.${10 + index}`;
    ip('netns', 'add', inside);
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', inside);
    ip('link', 'set', outside, 'master', bridge, 'up');
    ip('-n', inside, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) ip('-n', inside, 'link', 'set', device, 'up');
    mkdirSync(join(own, 'client'), { recursive: true });
    const socket = `unix://${join(own, 'docker.sock')}`;
    const settings = {
      features: { 'containerd-snapshotter': true },
      hosts: [socket],
      'data-root': join(own, 'data'),
      'exec-root': join(own, 'exec'),
      pidfile: join(own, 'docker.pid'),
      bridge: 'none',
      'log-level': 'error',
    };
    writeFileSync(join(own, 'daemon.json'), JSON.stringify(settings));
    const args = [`--net=/run/netns/${inside}`, 'dockerd', `--config-file=${join(own, 'daemon.json')}`];
    const engine = spawn('nsenter', args, { stdio: 'ignore' });
    engines.push(engine);
    const env = { ...process.env, DOCKER_HOST: socket, DOCKER_CONFIG: join(own, 'client') };
    const docker = async (...words: string[]): Promise<string> =>
      (await promisify(execFile)('docker', words, { env, maxBuffer: 2 ** 28 })).stdout.trim();
    await untilAnswers(() => docker('version'));
    const lose = async (): Promise<void> => {
      ip('link', 'set', outside, 'down');
      const containers = (await docker('ps', '--quiet')).split('\n').filter(Boolean);
      if (containers.length > 0) await docker('kill', ...containers);
      const ended = once(engine, 'exit');
      engine.kill('SIGKILL');
      await ended;
    };
    return { address, docker, lose };
  };

  const remove = async (): Promise<void> => {
    await Promise.all(
      engines.map(async (engine) => {
        if (engine.exitCode !== null || engine.signalCode !== null) return;
        const ended = once(engine, 'exit');
        engine.kill();
        await ended;
      }),
    );
    for (let index = 0; index < count; index += 1) tryTo(() => ip('netns', 'del', namespace(index)));
    tryTo(() => ip('link', 'del', bridge));
    const mounts = execFileSync('sh', ['-c', 'cut -d" " -f2 /proc/self/mounts'], { encoding: 'utf8' }).split('\n');
    for (const mount of mounts.filter((path) => path.startsWith(`${folder}/`)).reverse())
      tryTo(() => execFileSync('umount', ['--lazy', mount], { stdio: 'pipe' }));
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    ip('link', 'add', bridge, 'type', 'bridge');
    ip('addr', 'add', `${network}.1/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
    const hosts: SwarmHost[] = [];
    for (let index = 0; index < count; index += 1) hosts.push(await startHost(index));
    const [manager, ...workers] = hosts as [SwarmHost, ...SwarmHost[]];
    await manager.docker('swarm', 'init', `--advertise-addr=${manager.address}`);
    const token = await manager.docker('swarm', 'join-token', '--quiet', 'worker');
    for (const worker of workers)
      await worker.docker(
        'swarm',
        'join',
        `--token=${token}`,
        `--advertise-addr=${worker.address}`,
        `${manager.address}:2377`,
      );
    return { hosts, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function untilAnswers(ask: () => Promise<string>): Promise<void> {
  const patience = performance.now() + 60_000;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (performance.now() > patience) throw error;
      await pause(300);
    }
  }
}

function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // It was never made, or is gone already.
  }
}
