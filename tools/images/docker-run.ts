// `npx nx run <app>:docker-run [arguments of docker run]`
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Image, readBuilt, readImage } from './image.ts';
import { main, run } from './program.ts';
import { readSettings, type Settings } from './settings.ts';

/** As it should run anywhere: nothing to write to but its volumes, no capabilities, no way to more rights. */
export const CONFINED = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--pids-limit=512'];

/** The arguments of `docker run`: the service of the image at this machine's XIM_PORT (8000), its weights in a volume. */
export function toRunArgs(
  image: Pick<Image, 'local'>,
  settings: Pick<Settings, 'runArgs' | 'service'>,
  { port = '8000', modelCache, args = [] }: { port?: string; modelCache?: string; args?: readonly string[] },
): string[] {
  const offline = ['1', 'true'].includes(settings.service.XIM_OFFLINE ?? '');
  const given = [...settings.runArgs, ...args];
  const onHost = given.join(' ').match(/--net(work)?[= ]host\b/) !== null;
  return [
    'run',
    '--rm',
    ...CONFINED,
    ...(onHost ? ['--env=XIM_HOST=127.0.0.1', `--env=XIM_PORT=${port}`] : [`--publish=127.0.0.1:${port}:8000`]),
    `--volume=${modelCache ?? 'xim-models'}:/models${offline ? ':ro' : ''}`,
    // By name only: their values, keys among them, are not for the list of processes.
    ...Object.keys(settings.service).map((name) => `--env=${name}`),
    ...given,
    image.local,
  ];
}

if (process.argv[1] === import.meta.filename)
  await main(([folder, ...args]) => {
    const image = readImage(folder);
    readBuilt(image);
    const { XIM_PORT: port, XIM_MODEL_CACHE: cache } = process.env;
    const modelCache = cache && resolve(cache);
    if (modelCache) mkdirSync(modelCache, { recursive: true }); // Docker would make it, as root
    run('docker', toRunArgs(image, readSettings(process.env), { port, modelCache, args }));
  });
