import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toCamel, toSnake } from './generators/names.ts';
import { isTask } from './generators/tasks.ts';
import { toName, toType } from './tags.ts';

const ROOT = join(__dirname, '../../..');
/** npm's output must not depend on how it was told to speak elsewhere. */
const PLAIN = { FORCE_COLOR: undefined, NO_COLOR: '1', LC_ALL: 'C.UTF-8', npm_config_loglevel: 'error' };
const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\n');
/** Every file of the repository, new ones included. */
const FILES = git('ls-files', '--cached', '--others', '--exclude-standard').filter(
  (path) => path && existsSync(join(ROOT, path)),
);
const matching = (pattern: RegExp) => FILES.filter((path) => pattern.test(path));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const linesOf = (path: string) => read(path).trimEnd().split('\n').length;
const folders = (pattern: RegExp) => [...new Set(FILES.flatMap((path) => pattern.exec(path)?.[0] ?? []))];

const LIBRARIES = folders(/^libs\/[^/]+/);
const ENGINES = folders(/^libs\/engine-[^/]+/);
const APPS = folders(/^apps\/[^/]+/);
const IMAGES = folders(/^xim\/[^/]+(?=\/Dockerfile$)/);
/** All but xim/base, which stands under them. */
const ENGINE_IMAGES = IMAGES.filter((path) => path !== 'xim/base');
const engineOf = (path: string) => path.replace(/^(libs\/engine-|xim\/)/, '');
const PROJECTS = matching(/^(apps|libs|tools|xim)\/[^/]+\/package\.json$/).map((path) =>
  path.replace('/package.json', ''),
);

describe('siblings have the same files', () => {
  const snake = (path: string) => toSnake(engineOf(path));
  it.each([
    ...LIBRARIES.map((path) => [
      path,
      ['package.json', 'README.md', 'tsconfig.json', 'tsconfig.lib.json', 'src/index.ts'],
    ]),
    ...ENGINES.map((path) => [
      path,
      [
        ...[`src/${engineOf(path)}-engine.ts`, `src/${engineOf(path)}-engine.test.ts`],
        ...['__init__.py', '__main__.py', 'py.typed'].map((file) => `python/xim_engine_${snake(path)}/${file}`),
      ],
    ]),
    ...IMAGES.map((path) => [path, ['package.json', 'Dockerfile']]),
    ...APPS.map((path) => [
      path,
      [
        ...['package.json', 'models.json', 'README.md', 'tsconfig.json', 'Dockerfile', 'values.yaml'],
        ...['src/app.ts', 'src/app.test.ts', 'src/main.ts'],
      ],
    ]),
  ] as [string, string[]][])('%s has %j', (path, files) => {
    expect(files.filter((file) => !FILES.includes(`${path}/${file}`))).toEqual([]);
  });
});

describe('a service', () => {
  const MAIN = "import { serve } from '@xim/server';\nimport app from './app.ts';\n\nawait serve(app);\n";
  const member = (app: string, name: string) => new RegExp(`^  ${name}: (.*),$`, 'm').exec(app)?.[1] ?? '';
  const listed = (list: string) => [...list.matchAll(/\w+/g)].map(([name]) => name);

  it.each(APPS)('%s says in app.ts what it is, and main.ts only serves it', (path) => {
    const app = read(`${path}/src/app.ts`);
    expect(member(app, 'name')).toBe(`'${toName(path)}'`);
    expect(member(app, 'models')).toBe("new URL('../models.json', import.meta.url)");
    const handler = FILES.includes(`${path}/handler.py`) ? "new URL('../handler.py', import.meta.url)" : '';
    expect(member(app, 'handler')).toBe(handler);
    expect(member(app, 'routes')).toMatch(/^\[[\w, ]*\]$/);
    expect(read(`${path}/src/main.ts`)).toBe(MAIN);
  });

  it.each(APPS)('%s has a model for its task and its engines, which package.json names', (path) => {
    const app = read(`${path}/src/app.ts`);
    const { main } = JSON.parse(read(`${path}/models.json`)).models;
    expect(member(app, 'task')).toBe(`'${main.task}'`);
    const { name, description, dependencies } = JSON.parse(read(`${path}/package.json`));
    expect({ name, description }).toEqual({
      name: `@xim/app-${toName(path)}`,
      description: expect.stringMatching(/ /),
    });
    const engines = Object.keys(dependencies).flatMap((one) => /^@xim\/engine-(.+)$/.exec(one)?.[1] ?? []);
    expect(engines.length).toBeGreaterThan(0);
    expect(listed(member(app, 'engines')).sort()).toEqual(engines.map(toCamel).sort());
    const profiles: string[] = main.profiles.map(({ engine }: { engine: string }) => engine);
    // An engine that is installed on demand may lack a profile until a conversion.
    const onDemand = (engine: string) =>
      JSON.parse(read(`libs/engine-${engine}/package.json`)).xim.install === 'on-demand';
    expect(
      engines.filter((engine) => !profiles.includes(engine) && !onDemand(engine)),
      'engines without a profile',
    ).toEqual([]);
  });

  it.each(APPS)('%s has its own wheels, if any, in its list, its lock and its image alike', (path) => {
    const listed = FILES.includes(`${path}/requirements.in`);
    expect(FILES.includes(`${path}/requirements.lock`)).toBe(listed);
    expect(/ -r \/tmp\/requirements\.lock$/m.test(read(`${path}/Dockerfile`))).toBe(listed);
  });

  it.each(APPS)('%s shows how to start it and one curl', (path) => {
    expect(read(`${path}/README.md`)).toMatch(
      new RegExp(`^# ${toName(path)}\n[^]*\n\`\`\`sh\nnpm start ${toName(path)}\ncurl http://127.0.0.1:8000/`),
    );
  });
});

describe('an engine', () => {
  it.each(ENGINES)('%s promises its tasks, exports one factory, and passes the suite', (path) => {
    const engine = engineOf(path);
    const { name, xim } = JSON.parse(read(`${path}/package.json`));
    expect(name).toBe(`@xim/engine-${engine}`);
    expect(xim.tasks.length).toBeGreaterThan(0);
    expect(
      xim.tasks.filter((task: string) => !isTask(task)),
      'no tasks',
    ).toEqual([]);
    expect(read(`${path}/src/index.ts`)).toContain(`export { ${toCamel(engine)} } from './${engine}-engine.ts';`);
    expect(read(`${path}/src/${engine}-engine.ts`)).toContain(`name: '${engine}',`);
    expect(read(`${path}/src/${engine}-engine.test.ts`)).toContain('describeEngine(');
  });

  it.each(ENGINE_IMAGES)('%s stands on xim/base, at once or through the image of another engine', (path) => {
    const from = (name: string) => /^ARG \w+=xim-(.+)$/m.exec(read(`xim/${name}/Dockerfile`))?.[1];
    const chain = [engineOf(path)];
    for (let next = from(chain[0]!); next !== undefined && !chain.includes(next); next = from(next)) chain.push(next);
    expect(chain.at(-1)).toBe('base');
    expect(read(`${path}/Dockerfile`)).not.toMatch(/^(HEALTHCHECK|ENTRYPOINT|EXPOSE|VOLUME) /m);
  });

  it.each(ENGINE_IMAGES)('%s copies no file that .dockerignore keeps out of the build', (path) => {
    const kept = read('.dockerignore').match(/(?<=^!).+/gm)!;
    const copied = read(`${path}/Dockerfile`).match(/(?<=^COPY (?!--from).*)libs\/\S+/gm)!;
    const matches = (file: string, pattern: string) => new RegExp(`^${pattern.replaceAll('*', '[^/]*')}$`).test(file);
    expect(copied.filter((file) => !kept.some((pattern) => matches(file, pattern)))).toEqual([]);
  });

  it('with wheels has an image, and each image but xim/base has an engine', () => {
    // No service stands on the reference engine, so no image does.
    const withWheels = matching(/^libs\/engine-(?!echo\/)[^/]+\/python\/requirements\.lock$/);
    expect(ENGINE_IMAGES.map(engineOf).sort()).toEqual(
      withWheels.map((path) => engineOf(path.split('/python')[0]!)).sort(),
    );
    expect(withWheels.filter((path) => !FILES.includes(path.replace(/\.lock$/, '.in')))).toEqual([]);
  });
});

describe('no file', () => {
  it.each([
    ['configures a project', matching(/(^|\/)project\.json$/)],
    ['collects', matching(/\/(utils?|common|shared|helpers?|core)(\/|\.[a-z.]+$)/)],
    ['has a name of another style', matching(/\.(ts|mts|mjs)$/).filter((path) => !/\/?[a-z0-9.-]+$/.test(path))],
    ['of Python has one either', matching(/\.py$/).filter((path) => !/\/[a-z0-9_]+\.py$/.test(path))],
    ['lies deep', matching(/^(apps|libs)\/[^/]+\/src\/([^_/][^/]*\/){3}/)],
    [
      'exports all of another',
      matching(/\/src\/(testing\/)?index\.ts$/).filter((path) => /export \*/.test(read(path))),
    ],
    [
      'runs alone or is to do',
      matching(/\.test\.ts$/).filter((path) => /\b(it|test|describe)\.(only|todo)\b/.test(read(path))),
    ],
  ])('%s', (_, found) => {
    expect(found).toEqual([]);
  });
});

// Where a limit is passed there are two ideas in one file. ESLint counts the lines of TypeScript.
describe('budgets', () => {
  const values = (path: string) =>
    [...read(path).matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, names]) =>
      names!.split(',').filter((name) => name.trim()),
    );
  const runTime = (path: string) => Object.keys(JSON.parse(read(path)).dependencies ?? {});
  const adapter = (path: string) =>
    matching(new RegExp(`^${path}/src/.*\\.ts$`)).filter((file) => !/\.test\.ts$|__fixtures__/.test(file));
  it.each([
    ...matching(/^(apps|libs)\/.*\.py$/)
      .filter((path) => !/\/(tests|__fixtures__)\//.test(path) && !read(path).includes('Written by tools/'))
      .map((path) => [path, 'lines', linesOf(path), 300]),
    ...matching(/^apps\/[^/]+\/src\/app\.ts$/).map((path) => [path, 'lines', linesOf(path), 40]),
    // An app with additional wheels installs them: ten more lines.
    ...matching(/^apps\/[^/]+\/Dockerfile$/).map((path) => [
      path,
      'lines',
      linesOf(path),
      /requirements\.lock/.test(read(path)) ? 25 : 15,
    ]),
    ...ENGINES.map((path) => [
      path,
      'lines of TypeScript',
      adapter(path).reduce((sum, file) => sum + linesOf(file), 0),
      // An engine with several ranks also places them.
      adapter(path).some((file) => file.endsWith('-ranks.ts')) ? 300 : 200,
    ]),
    ...matching(/^libs\/[^/]+\/src\/index\.ts$/).map((path) => [
      path,
      'values',
      values(path).length,
      // The server has the routes of every API.
      /-schema\//.test(path) ? 40 : /\/server\//.test(path) ? 20 : 15,
    ]),
    // An engine lists the runtimes of all its tasks; the model cache needs undici for proxies; five of the server make traces.
    ...matching(/^libs\/[^/]+\/package\.json$/).map((path) => [
      path,
      'dependencies',
      runTime(path).length,
      /server/.test(path) ? 19 : /engine-/.test(path) ? 8 : /model-cache/.test(path) ? 5 : 4,
    ]),
  ] as [string, string, number, number][])('%s: %s %i, limit %i', (_path, _what, count, limit) => {
    expect(count).toBeLessThanOrEqual(limit);
  });
});

describe('packages', () => {
  it.each(PROJECTS)('%s goes by its folder', (path) => {
    const { name, nx } = JSON.parse(read(`${path}/package.json`));
    expect(nx?.name ?? name.replace('@xim/', '')).toBe(toName(path));
  });

  it.each(LIBRARIES)('%s can be published', (path) => {
    const { license, repository, engines, exports } = JSON.parse(read(`${path}/package.json`));
    expect({ license, directory: repository?.directory, engines }).toEqual({
      license: 'Apache-2.0',
      directory: path,
      engines: { node: '>=20.19' },
    });
    expect(Object.keys(exports['.'])).toEqual(['@xim/source', 'types', 'default']);
  });

  it.each(PROJECTS.filter((path) => ['app', 'tool', 'image'].includes(toType(path))))(
    '%s is never published',
    (path) => {
      expect(JSON.parse(read(`${path}/package.json`)).private).toBe(true);
    },
  );

  it('of Nx have one exact version, and are for development alone', () => {
    const { dependencies = {}, devDependencies } = JSON.parse(read('package.json'));
    const ofNx = (names: object) => Object.entries(names).filter(([name]) => /^(nx$|@nx\/)/.test(name));
    const versions = ofNx(devDependencies).map(([, version]) => version);
    expect(new Set(versions)).toEqual(new Set([expect.stringMatching(/^\d+\.\d+\.\d+$/)]));
    const served = PROJECTS.filter((path) => toType(path) !== 'tool').map((path) =>
      JSON.parse(read(`${path}/package.json`)),
    );
    expect([{ dependencies }, ...served].flatMap((one) => ofNx(one.dependencies ?? {}))).toEqual([]);
  });

  it('hold no tests and nothing that Python left behind', { timeout: 120_000 }, () => {
    const withPython = LIBRARIES.filter((path) => existsSync(join(ROOT, path, 'python')));
    const args = ['pack', '--dry-run', '--json', ...withPython.map((path) => `--workspace=${path}`)];
    const packed = JSON.parse(
      execFileSync('npm', args, { cwd: ROOT, env: { ...process.env, ...PLAIN }, encoding: 'utf8', stdio: 'pipe' }),
    );
    const files: string[] = Object.values<{ files: { path: string }[] }>(packed).flatMap((one) =>
      one.files.map(({ path }) => path),
    );
    expect(files.some((path) => path.endsWith('.py'))).toBe(true);
    expect(files.filter((path) => /(^|\/)(tests|__pycache__|\.[a-z_]+)\//.test(path) || /\.test\./.test(path))).toEqual(
      [],
    );
  });
});

describe('lists of wheels', () => {
  it.each(matching(/requirements\.lock$/))(
    '%s is complete: pinned, hashed, from no certain index, without telemetry',
    (path) => {
      // One requirement per entry: backslashes join its lines.
      const entries = read(path)
        .replace(/^\s*#.*$/gm, '')
        .replaceAll('\\\n', '')
        .split('\n')
        .filter((line) => line.trim());
      expect(entries.length > 0, 'wheels, where some are asked for').toBe(
        /^[^#\s]/m.test(read(path.replace(/lock$/, 'in'))),
      );
      expect(
        entries.filter((line) => !/^[a-z0-9._-]+==\S+( ;.*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*$/i.test(line)),
      ).toEqual([]);
      expect(entries.filter((line) => /^\S*(telemetry|analytics|sentry|posthog)/i.test(line))).toEqual([]);
    },
  );
});
