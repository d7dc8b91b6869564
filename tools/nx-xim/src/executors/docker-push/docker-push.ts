import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ExecutorContext, logger } from '@nx/devkit';

/** schema.json, whose hidden options `nx release publish` passes to the executors of all projects. */
export interface DockerPushOptions {
  readonly latest?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly [option: string]: unknown;
}

const OWN = ['latest', 'yes', 'dryRun'];

/** Runs tools/images/docker-push.ts. npm's options of `nx release publish` mean packages, and no image. */
export default async function dockerPush(options: DockerPushOptions, context: ExecutorContext) {
  const forNpm = Object.keys(options).filter((name) => !OWN.includes(name) && options[name] !== undefined);
  if (forNpm.length > 0 && context.targetName !== 'nx-release-publish') {
    logger.error(`docker-push does not take --${forNpm[0]}. XIM_REGISTRY names the registry of images.`);
    return { success: false };
  }
  const { root } = context.projectsConfigurations.projects[context.projectName!]!;
  const child = spawn(process.execPath, toArguments(root, options), {
    cwd: context.root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { success: code === 0 };
}

/** The command line of the program for an image. */
export function toArguments(root: string, { latest, yes, dryRun }: DockerPushOptions): string[] {
  return [
    // Not the command `tsx`, which is on PATH only where npm has put it there.
    '--import=tsx',
    'tools/images/docker-push.ts',
    root,
    ...(latest ? ['--latest'] : []),
    ...(yes ? ['--yes'] : []),
    ...(dryRun ? ['--dry-run'] : []),
  ];
}
