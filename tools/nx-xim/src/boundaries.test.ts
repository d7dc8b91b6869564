import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(__dirname, '../../..');
const RULE = '@nx/enforce-module-boundaries';

const LONG = '//\n'.repeat(301);

let eslint: ESLint;
beforeAll(() => {
  // The rule reads the graph that Nx keeps; without one it says so on the terminal and lets everything pass.
  const env = { ...process.env, NX_NO_CLOUD: 'true', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };
  execFileSync('node_modules/.bin/nx', ['show', 'projects'], { cwd: ROOT, env, stdio: 'pipe' });
  eslint = new ESLint({ cwd: ROOT });
}, 180_000);

/** The rules that a file of the repository would break if this were its text. */
async function lint(filePath: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath: join(ROOT, filePath) });
  return result!.messages.map(({ ruleId, message }) => ruleId ?? message);
}

describe('who may import whom', { timeout: 180_000 }, () => {
  it.each([
    ['libs/openai-schema/src/index.ts', ['zod']],
    ['libs/tgi-schema/src/index.ts', ['zod']],
    ['libs/worker/src/index.ts', ['@xim/engine', 'node:fs']],
    ['libs/engine-echo/src/index.ts', ['@xim/engine', '@xim/worker']],
    [
      'libs/server/src/index.ts',
      ['@xim/engine', '@xim/openai-schema', '@xim/tgi-schema', '@xim/model-cache', '@xim/host-plan', 'fastify'],
    ],
    ['libs/model-tools/src/index.ts', ['@xim/engine', '@xim/model-cache', '@xim/model-cache/internal']],
    ['libs/conformance/src/index.ts', ['zod', 'node:http']],
    ['apps/chat/src/app.ts', ['@xim/server', '@xim/engine-echo', '@xim/model-cache']],
    ['tools/nx-xim/src/index.ts', ['@nx/devkit', 'esbuild']],
  ])('%s may import %j', async (file, names) => {
    const text = names.map((name) => `export * from '${name}';\n`).join('');
    expect(await lint(file, text)).not.toContain(RULE);
  });

  it.each([
    ['libs/openai-schema/src/index.ts', '@xim/engine'],
    ['libs/tgi-schema/src/index.ts', '@xim/openai-schema'],
    ['libs/openai-schema/src/index.ts', 'fastify'],
    ['libs/engine/src/index.ts', '@xim/openai-schema'],
    ['libs/engine/src/index.ts', 'zod'],
    ['libs/worker/src/index.ts', '@xim/host-plan'],
    ['libs/worker/src/index.ts', 'fastify'],
    ['libs/host-plan/src/index.ts', '@xim/openai-schema'],
    ['libs/engine-echo/src/index.ts', '@xim/server'],
    ['libs/engine-echo/src/index.ts', '@xim/engine-oneapi'],
    ['libs/engine-echo/src/index.ts', '@xim/model-cache'],
    ['libs/engine-echo/src/index.ts', '@xim/openai-schema'],
    ['libs/engine-echo/src/index.ts', '@fastify/cors'],
    ['libs/server/src/index.ts', '@xim/engine-echo'],
    ['libs/server/src/index.ts', '@xim/worker'],
    ['libs/server/src/index.ts', '@xim/model-tools'],
    ['libs/model-cache/src/index.ts', '@xim/model-tools'],
    ['libs/model-tools/src/index.ts', '@xim/server'],
    ['apps/chat/src/app.ts', '@xim/model-tools'],
    ['libs/conformance/src/index.ts', '@xim/openai-schema'],
    ['libs/conformance/src/index.ts', '@xim/engine'],
    ['libs/conformance/src/index.ts', 'fastify'],
    ['libs/server/src/index.ts', '@xim/conformance'],
    ['apps/chat/src/app.ts', '@xim/openai-schema'],
    ['apps/chat/src/app.ts', 'fastify'],
    ['tools/nx-xim/src/index.ts', '@xim/engine'],
  ])('%s must not import %s', async (file, name) => {
    expect(await lint(file, `export * from '${name}';\n`)).toContain(RULE);
  });
});

describe('the rules of the house', { timeout: 180_000 }, () => {
  it.each([
    ['libs/server/src/serve.ts', 'no-restricted-properties', 'export const port = process.env.PORT;\n'],
    ['libs/server/src/serve.ts', 'no-restricted-imports', "export { env } from 'node:process';\n"],
    ['libs/server/src/serve.ts', 'no-restricted-imports', "export { it } from 'vitest';\n"],
    ['libs/engine/src/index.ts', 'no-restricted-imports', "export { it } from 'vitest';\n"],
    ['libs/server/src/calls/admission.ts', 'no-console', "console.log('here');\n"],
    ['libs/server/src/calls/admission.ts', '@typescript-eslint/no-floating-promises', "fetch('http://127.0.0.1');\n"],
    ['libs/server/src/calls/admission.ts', 'max-lines', LONG],
  ])('%s is held to %s', async (file, rule, text) => {
    expect(await lint(file, text)).toContain(rule);
  });

  it.each([
    ['libs/server/src/config/config.ts', 'read the environment', 'export const port = process.env.PORT;\n'],
    ['libs/engine/src/testing/index.ts', 'import Vitest', "export { it } from 'vitest';\n"],
    ['libs/server/src/calls/admission.test.ts', 'be long', LONG],
  ])('%s may %s', async (file, _, text) => {
    expect(await lint(file, text)).toEqual([]);
  });
});
