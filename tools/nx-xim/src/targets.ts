import type { TargetConfiguration } from '@nx/devkit';
import { imageTargets } from './image-targets.ts';
import { toName, toType } from './tags.ts';

type Targets = Record<string, TargetConfiguration>;

/**
 * The targets of a folder; commands run at the root of the workspace.
 *
 * @param has whether the folder has a file
 */
export function toTargets(root: string, has: (path: string) => boolean): Targets {
  return {
    ...(has('tsconfig.json') && codeTargets(root)),
    ...(has('tsconfig.lib.json') && libraryTargets(root)),
    ...(toType(root) === 'app' && has('src/main.ts') && appTargets(root)),
    ...(has('python') && pythonTargets(root)),
    ...(has('models.json') && modelTargets(root)),
    ...(has('Dockerfile') && ['app', 'image'].includes(toType(root)) && imageTargets(root)),
  };
}

function codeTargets(root: string): Targets {
  // Packages are compiled and linted from their sources, those of their dependencies included.
  const inputs = ['default', '^default', '{workspaceRoot}/eslint.config.mjs'];
  return {
    typecheck: { command: `tsc -p ${root}`, cache: true, inputs },
    lint: { command: `eslint --max-warnings=0 ${root}`, cache: true, inputs },
    // Never cached: tests start Python, and what they see depends on CPU, wheels and models, which Nx does not know.
    test: { command: `vitest run --config vitest.base.ts --passWithNoTests ${root}/` },
  };
}

function libraryTargets(root: string): Targets {
  return {
    build: {
      command: `rm -rf ${root}/dist && tsc -p ${root}/tsconfig.lib.json`,
      // Compiled against the declarations that other packages publish.
      dependsOn: ['^build'],
      cache: true,
      inputs: ['production', '^production'],
      outputs: ['{projectRoot}/dist'],
    },
  };
}

function appTargets(root: string): Targets {
  return {
    build: {
      command: `tsx tools/nx-xim/src/bundle-app.ts ${root}`,
      cache: true,
      inputs: ['production', '^production'],
      outputs: ['{projectRoot}/dist'],
      // `serve` reads the file to run here, and passes options of its own on, which the bundler does not take.
      options: { outputPath: `${root}/dist`, outputFileName: 'main.js', forwardAllArgs: false },
      metadata: { description: 'Bundles the service into dist/: one ES module, and the Python of its workers' },
    },
    serve: {
      executor: '@nx/js:node',
      continuous: true,
      dependsOn: ['build'],
      options: { buildTarget: `${toName(root)}:build`, inspect: false },
      metadata: { description: 'Builds and runs the service, and again after a change; "npm start" runs it for users' },
    },
  };
}

function pythonTargets(root: string): Targets {
  return { pytest: { command: `node tools/check/pytest.mjs ${root}` } };
}

/** What `xim-models` does for one service. Never cached: what they see is on the disk of whoever runs them. */
function modelTargets(root: string): Targets {
  const run = (command: string) => ({
    command: `node --conditions=@xim/source --import tsx libs/model-cache/src/bin.ts ${command} ${root}/models.json`,
  });
  return {
    'models-list': run('list'),
    'models-pull': run('pull'),
    'models-verify': run('verify'),
    'models-which': run('which'),
  };
}
