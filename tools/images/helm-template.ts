// `npx nx run <app>:helm-template`: prints the objects of Kubernetes for a service, at the version of its package.json.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageError } from './errors.ts';
import { ROOT } from './image.ts';
import { main, run } from './program.ts';

/** The arguments of `helm template`; those of the caller come last, so they win. */
export function toHelmArgs(folder: string, version: string, more: readonly string[]): string[] {
  const service = folder.split('/').at(-1)!;
  const values = join(ROOT, folder, 'values.yaml');
  return ['template', service, join(ROOT, 'xim/chart'), `--values=${values}`, `--set=image.tag=${version}`, ...more];
}

if (process.argv[1] === import.meta.filename)
  await main(([folder = '', ...more]) => {
    if (!existsSync(join(ROOT, folder, 'values.yaml')))
      throw new ImageError(`${folder}/values.yaml is missing. It names the service and its task for xim/chart.`);
    const { version } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as { version: string };
    run('helm', toHelmArgs(folder, version, more));
  });
