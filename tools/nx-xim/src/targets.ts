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
    ...(toType(root) === 'app' && has('values.yaml') && chartTargets(root)),
    ...(has('Dockerfile') && ['app', 'image'].includes(toType(root)) && imageTargets(root)),
  };
}

function codeTargets(root: string): Targets {
  // Packages are compiled and linted from their sources, those of their dependencies included.
  const inputs = ['default', '^default', '{workspaceRoot}/eslint.config.mjs'];
  // Tests of tools read the whole repository, which no list of inputs describes.
  const cache = toType(root) !== 'tool';
  return {
    typecheck: {
      command: `tsc -p ${root}`,
      cache: true,
      inputs,
      metadata: { description: 'Checks the types, tests included' },
    },
    lint: {
      command: `eslint --max-warnings=0 ${root}`,
      cache: true,
      inputs,
      metadata: { description: 'Checks the style and who may import whom' },
    },
    test: {
      command: `vitest run --config vitest.base.ts --passWithNoTests ${root}/`,
      cache,
      inputs: ['default', '^default', 'testing', ...(cache ? [] : ['{workspaceRoot}/tools/*.mjs'])],
      metadata: { description: 'Runs the tests of the TypeScript, which start Python and load models' },
    },
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
      metadata: { description: 'Compiles the package that npm gets' },
    },
    // Nx infers this target of a public package itself, without a description.
    'nx-release-publish': { metadata: { description: 'Publishes the package, as a part of a release' } },
  };
}

function appTargets(root: string): Targets {
  return {
    build: {
      command: `tsx tools/nx-xim/src/bundle-app.ts ${root}`,
      cache: true,
      inputs: ['production', '^production'],
      outputs: ['{projectRoot}/dist'],
      // `serve` reads the file to run here, and forwards its options, which the bundler does not accept.
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
  return {
    pytest: {
      command: `node tools/check/pytest.mjs ${root}`,
      cache: true,
      inputs: [
        ...['default', '^default', 'testing', '{workspaceRoot}/pyproject.toml'],
        ...['{workspaceRoot}/tools/check/*.mjs', '{workspaceRoot}/tools/python/requirements.lock'],
        // A package may use the Python of others without naming them.
        { runtime: "find libs/*/python -name '*.py' -exec cat {} + | sha256sum" },
      ],
      metadata: { description: 'Runs the tests of the Python' },
    },
  };
}

function chartTargets(root: string): Targets {
  return {
    'helm-template': {
      command: `tsx tools/images/helm-template.ts ${root}`,
      cache: false,
      metadata: { description: 'Prints the objects of Kubernetes for the service, by xim/chart' },
    },
  };
}

/** The commands of `xim-models` for one service. Never cached: their subject is the model cache on the disk. */
function modelTargets(root: string): Targets {
  const run = (command: string, description: string) => ({
    command: `node --conditions=@xim/source --import tsx libs/model-tools/src/bin.ts ${command} ${root}/models.json`,
    metadata: { description },
  });
  return {
    'models-list': run('list', 'Lists the models of the service'),
    'models-pull': run('pull', 'Downloads and verifies the models'),
    'models-verify': run('verify', 'Verifies the models in the cache by their checksums'),
    'models-which': run('which', 'Names the files that this host would load'),
  };
}
