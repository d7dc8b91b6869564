import nx from '@nx/eslint-plugin';
import jsonc from 'jsonc-eslint-parser';
import tseslint from 'typescript-eslint';

const TESTS = ['**/*.test.ts', '**/__fixtures__/**', 'libs/*/test/**', 'tools/vitest/**'];
/** A library's suites for others' tests. */
const SUITES = ['libs/*/src/testing/**'];
/** Libraries of Python for the workers of engines. */
const TASK_RUNTIMES = ['generation', 'embedding', 'audio', 'transcription', 'speech'].map((name) => `name:${name}`);
const HTTP = ['fastify', 'fastify/*', 'fastify-*', '@fastify/*'];

/**
 * The architecture, executable: who may depend on whom. The tags come from the path (tools/nx-xim/src/tags.ts); what a
 * package may do is said here once for all packages of its type.
 */
const BOUNDARIES = [
  { sourceTag: 'type:schema', onlyDependOnLibsWithTags: [], allowedExternalImports: ['zod', 'zod/*'] },
  // Vitest is for the conformance suite; the rule on test libraries keeps it out of the rest.
  { sourceTag: 'type:contract', onlyDependOnLibsWithTags: [], allowedExternalImports: ['vitest'] },
  {
    sourceTag: 'type:runtime',
    onlyDependOnLibsWithTags: ['type:contract', 'name:worker'],
    bannedExternalImports: HTTP,
  },
  {
    sourceTag: 'type:engine',
    onlyDependOnLibsWithTags: ['type:contract', 'name:worker', ...TASK_RUNTIMES],
    bannedExternalImports: HTTP,
  },
  {
    sourceTag: 'type:server',
    onlyDependOnLibsWithTags: ['type:contract', 'type:schema', 'type:runtime'],
    notDependOnLibsWithTags: ['name:worker', ...TASK_RUNTIMES],
  },
  {
    sourceTag: 'type:app',
    onlyDependOnLibsWithTags: ['type:server', 'type:engine', 'type:runtime'],
    bannedExternalImports: HTTP,
  },
  {
    sourceTag: 'type:tool',
    onlyDependOnLibsWithTags: ['type:tool'],
    allowedExternalImports: ['nx', '@nx/*', 'esbuild'],
  },
  // A command line for people: no service imports it.
  {
    sourceTag: 'type:program',
    onlyDependOnLibsWithTags: ['type:contract', 'name:model-cache'],
    bannedExternalImports: HTTP,
  },
  // It judges any server from outside: knowing ours would make it a mirror.
  { sourceTag: 'type:outsider', onlyDependOnLibsWithTags: [], allowedExternalImports: ['zod', 'zod/*'] },
  { sourceTag: 'type:image', onlyDependOnLibsWithTags: ['type:image'] },
];

const NO_ENVIRONMENT = 'Settings are read once, in libs/server/src/config/config.ts. Take the value as an argument.';

export default tseslint.config(
  { ignores: ['**/node_modules/**', '**/dist/**', '.nx/**', '.venv/**', '.model_cache/**', '.xim/**'] },
  {
    files: ['**/*.{ts,mts,mjs}'],
    extends: [tseslint.configs.recommended],
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // A name that begins with an underscore says that the value is of no interest.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: NO_ENVIRONMENT }],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:process', importNames: ['env'], message: NO_ENVIRONMENT },
            { name: 'vitest', message: 'A test library belongs in tests, and in suites (src/testing).' },
          ],
        },
      ],
    },
  },
  {
    // A promise that nobody waits for is a failure that nobody sees.
    files: ['{apps,libs}/*/src/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { arguments: false, attributes: false } },
      ],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['{apps,libs}/*/src/**/*.ts', 'tools/nx-xim/src/**/*.ts'],
    ignores: TESTS,
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { depConstraints: BOUNDARIES, enforceBuildableLibDependency: false }],
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    ignores: TESTS,
    rules: { 'max-lines': ['error', 300] },
  },
  {
    // The one configuration object, programs of their own, and scripts.
    files: ['libs/server/src/config/config.ts', 'libs/*/src/bin.ts', 'tools/**/*.{mjs,ts}'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // Programs, and what tells them what to print, write to the terminal.
    files: ['libs/*/src/bin.ts', 'libs/server/src/serve.ts', 'tools/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: [...TESTS, ...SUITES, '*.ts'],
    rules: { 'no-restricted-imports': 'off', 'no-restricted-properties': 'off' },
  },
  {
    // What a library imports is what its package.json says.
    files: ['libs/*/package.json'],
    plugins: { '@nx': nx },
    languageOptions: { parser: jsonc },
    rules: {
      '@nx/dependency-checks': [
        'error',
        {
          // Each range is checked by npm, and those between our packages by the release.
          checkVersionMismatches: false,
          ignoredFiles: ['{projectRoot}/**/*.test.ts', '{projectRoot}/**/__fixtures__/**', '{projectRoot}/test/**'],
        },
      ],
    },
  },
);
