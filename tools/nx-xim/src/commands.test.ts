import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Every command that a document or a message names exists: program, script, target, generator, option.

const ROOT = join(__dirname, '../../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const json = (path: string) => JSON.parse(read(path));
const FILES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path && existsSync(join(ROOT, path)));

/** Programs that the packages bring, by name, with the file that npm links. */
const PROGRAMS = new Map(
  FILES.filter((path) => /^libs\/[^/]+\/package\.json$/.test(path)).flatMap((path) =>
    Object.entries<string>(json(path).bin ?? {}).map(([name, file]) => [name, join(path, '..', file)] as const),
  ),
);

interface Named {
  readonly file: string;
  readonly command: string;
}

/** The commands in code of a document, or in a text of a program: from their name to the end of the line or text. */
const COMMAND = /\b(?:npx (?!-)|npm (?:start|test|run)\b|xim-(?:models|plan|conformance) (?=[a-z-]))[^\n`'"]*/g;
const DOCUMENTS = FILES.filter((path) => /\.md(__tmpl__)?$/.test(path) && !path.includes('CHANGELOG'));
const SOURCES = FILES.filter(
  (path) => /\.(ts|mjs|js|py)$/.test(path) && !/\.test\.|__fixtures__|\/(tests?|testing)\//.test(path),
);

function toCode(path: string): string {
  const text = read(path);
  if (!DOCUMENTS.includes(path)) return text;
  const blocks = [...text.matchAll(/^ *```\w*\n([\s\S]*?)^ *```/gm)].map(([, block]) => block!.replaceAll('\\\n', ' '));
  const inline = [...text.replace(/^ *```[\s\S]*?^ *```/gm, '').matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
  return [...blocks, ...inline].join('\n');
}

const NAMED: readonly Named[] = [...DOCUMENTS, ...SOURCES].flatMap((file) =>
  [...toCode(file).matchAll(COMMAND)].map(([command]) => ({ file, command: command.trim() })),
);
const matching = (pattern: RegExp) =>
  NAMED.flatMap(({ file, command }) => {
    const found = pattern.exec(command);
    return found ? [{ file, command, found }] : [];
  });
/** Where a document has a word that stands for any. */
const isAny = (word: string) => /^[<…$\\.]|^\[|[<…$]/.test(word);

describe('the programs of the packages', () => {
  it.each([...PROGRAMS])('%s runs from a clone that has its packages', (name, file) => {
    accessSync(join(ROOT, file), constants.X_OK);
    const help = execFileSync(join(ROOT, file), ['--help'], { encoding: 'utf8', stdio: 'pipe', timeout: 60_000 });
    expect(help).toContain(name);
  });

  it('are asked of no registry where they are not installed', () => {
    expect(read('.npmrc')).toMatch(/^yes=false$/m);
    expect(NAMED.length).toBeGreaterThan(100);
    // npx finds an installed program by its name alone.
    const unprefixed = NAMED.filter(({ file, command }) => DOCUMENTS.includes(file) && /^xim-/.test(command));
    expect(unprefixed).toEqual([]);
  });
});

describe('npm and npx', () => {
  it('name scripts of package.json', () => {
    const { scripts } = json('package.json');
    const unknown = matching(/^npm run ([\w:-]+)/).filter(({ found }) => !(found[1]! in scripts));
    expect(unknown).toEqual([]);
    expect(['start', 'test'].filter((name) => !(name in scripts))).toEqual([]);
  });

  it('name programs that the clone brings', () => {
    const { devDependencies } = json('package.json');
    const known = (name: string) =>
      PROGRAMS.has(name) || name in devDependencies || FILES.includes(`libs/${name.replace('@xim/', '')}/package.json`);
    const unknown = matching(/^npx (\S+)/).filter(({ found }) => !isAny(found[1]!) && !known(found[1]!));
    expect(unknown).toEqual([]);
  });
});

describe('our programs', () => {
  /** The help of a program, by its arguments. */
  const helps = new Map<string, string>();
  const helpOf = (...[name, ...args]: [string, ...string[]]) => {
    const key = [name, ...args].join(' ');
    const program = join(ROOT, PROGRAMS.get(name)!);
    const help = helps.get(key) ?? execFileSync(program, [...args, '--help'], { encoding: 'utf8', stdio: 'pipe' });
    helps.set(key, help);
    return help;
  };
  const optionsOf = (command: string) => [...command.matchAll(/(?<=[ [])--[a-z][a-z-]*/g)].map(([option]) => option);

  it('xim-models has the commands and their options', { timeout: 120_000 }, () => {
    const commands = [...helpOf('xim-models').matchAll(/^ {2}([a-z]+) {2}/gm)].map(([, name]) => name!);
    const named = matching(/(?:^npx )?\bxim-models ([a-z]+)\b/).filter(({ command }) =>
      /^(npx )?xim-models /.test(command),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ found }) => !commands.includes(found[1]!))).toEqual([]);
    const wrong = named.flatMap(({ file, command, found }) =>
      optionsOf(command)
        .filter((option) => !helpOf('xim-models', found[1]!).includes(option))
        .map((option) => ({ file, command, option })),
    );
    expect(wrong).toEqual([]);
  });

  it.each([
    ['xim-plan', /^npx xim-plan\b/],
    ['xim-conformance', /^npx @xim\/conformance\b/],
  ])('%s has the options', { timeout: 120_000 }, (name, pattern) => {
    const named = matching(pattern);
    expect(named.length).toBeGreaterThan(1);
    const wrong = named.flatMap(({ command }) => optionsOf(command).filter((option) => !helpOf(name).includes(option)));
    expect(wrong).toEqual([]);
  });
});

describe('nx', () => {
  let folder: string;
  let targets: Map<string, string[]>;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'xim-commands-'));
    const file = join(folder, 'graph.json');
    execFileSync('node_modules/.bin/nx', ['graph', `--file=${file}`], { cwd: ROOT, stdio: 'pipe' });
    const { graph } = JSON.parse(readFileSync(file, 'utf8'));
    targets = new Map(
      Object.entries<{ data: { targets: object } }>(graph.nodes).map(([name, { data }]) => [
        name,
        Object.keys(data.targets),
      ]),
    );
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const has = (project: string, target: string) =>
    isAny(project) || /^[A-Z]|^(engine-)?my-/.test(project)
      ? [...targets.values()].some((names) => names.includes(target))
      : ((targets.get(project) ?? targets.get(`@xim/${project}`))?.includes(target) ?? false);

  it('has the targets, of the projects that are named with them', () => {
    const run = matching(/^npx nx run ([^\s:]+):([\w-]+)/);
    expect(run.length).toBeGreaterThan(5);
    expect(run.filter(({ found: [, project, target] }) => !has(project!, target!))).toEqual([]);
    const all = new Set([...targets.values()].flat());
    const short = matching(/^npx nx ([a-z][\w-]*) ([^\s-][^\s]*)/).filter(({ found }) => all.has(found[1]!));
    expect(short.filter(({ found: [, target, project] }) => !has(project!, target!))).toEqual([]);
    const many = matching(/(?:run-many|affected)\b.*?(?:-t|--target=|--targets=|--targets )\s*([\w ,-]+)/);
    const names = many.flatMap(({ found }) => found[1]!.split(/ -/)[0]!.split(/[ ,]+/)).filter(Boolean);
    expect(names.filter((name) => !all.has(name))).toEqual([]);
  });

  it('has the commands', () => {
    const all = new Set([...targets.values()].flat());
    const own = ['run', 'run-many', 'affected', 'graph', 'show', 'g', 'generate', 'release', 'reset', 'report'];
    const unknown = matching(/^npx nx ([a-z][\w-]*)/).filter(
      ({ found }) => !own.includes(found[1]!) && !all.has(found[1]!),
    );
    expect(unknown).toEqual([]);
  });

  it('has the generators', () => {
    const { generators } = json('tools/nx-xim/generators.json');
    const named = matching(/\bnx (?:g|generate) @xim\/nx:([\w-]+)/);
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter(({ found }) => !(found[1]! in generators))).toEqual([]);
  });
});
