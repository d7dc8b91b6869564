import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { entriesOf, withoutWheelsOf } from './lock-entries.mjs';
import { lockWheels, wheelLists } from './lock-wheels.mjs';
import { makeWorkspace, type Workspace } from './workspace-fixture.ts';

const ROOT = join(import.meta.dirname, '../..');
const lists = wheelLists(ROOT);
const locks = lists.map(({ folder, name }) => `${folder}/${name}`);

const engineLockOf = (engine: string) => {
  const path = join(ROOT, `libs/engine-${engine}/python/requirements.lock`);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};
const NAME = /^[A-Za-z0-9][\w.-]*/;
const linesOf = (text: string) =>
  text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*/, '').trim())
    .filter(Boolean);
const namesOf = (text: string) => linesOf(text).flatMap((entry) => NAME.exec(entry)?.[0].toLowerCase() ?? []);
/** The requirements of a list, with the lists that it includes by `-r`. */
const askedBy = (path: string): string[] => {
  const text = readFileSync(path, 'utf8');
  const others = linesOf(text).flatMap((entry) => /^-r (.+)$/.exec(entry)?.[1] ?? []);
  return [...namesOf(text), ...others.flatMap((other) => askedBy(join(dirname(path), other)))];
};

it.each(locks)('%s: every wheel has one version and hashes; no host is named', (name) => {
  const lock = readFileSync(join(ROOT, `${name}.lock`), 'utf8');
  for (const entry of linesOf(lock)) {
    expect(entry).toMatch(/^[A-Za-z0-9][\w.-]*==[\w.]+(?: ; [^;]+?)?(?:\s+--hash=sha256:[0-9a-f]{64})+$/);
  }
  expect(lock).not.toMatch(/:\/\/|--(?:extra-)?index-url|--find-links|--trusted-host/);
});

it.each(locks)('%s: the lock holds what is asked for, and nothing that is left out', (lock) => {
  const read = (ending: string) => {
    const path = join(ROOT, `${lock}${ending}`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  const locked = namesOf(read('.lock'));
  const { engines = [] } = lists.find(({ folder, name }) => lock === `${folder}/${name}`) ?? {};
  const brought = engines.flatMap((engine) => namesOf(engineLockOf(engine)));
  expect([...locked, ...brought]).toEqual(expect.arrayContaining(askedBy(join(ROOT, `${lock}.in`))));
  for (const name of namesOf(read('.excluded.in'))) expect(locked).not.toContain(name);
});

it.each(lists.filter(({ engines }) => engines.length > 0))(
  '$folder: no wheel of its engine is installed twice',
  (list) => {
    const own = readFileSync(join(ROOT, list.folder, `${list.name}.lock`), 'utf8');
    for (const engine of list.engines) expect(withoutWheelsOf(own, engineLockOf(engine))).toBe(own);
  },
);

it('nothing reports its use', () => {
  for (const lock of locks) expect(readFileSync(join(ROOT, `${lock}.lock`), 'utf8')).not.toMatch(/telemetry/);
});

const ENTRY = (requirement: string, hash = '0') => `${requirement} \\\n    --hash=sha256:${hash.repeat(64)}\n`;

it('reads a lock entry by entry', () => {
  const lock = `# a comment\n${ENTRY("a-b==1.0 ; python_full_version < '3.11'")}${ENTRY('c==2.0+cpu', '1')}`;
  expect(entriesOf(lock)).toEqual([
    {
      ...{ name: 'a-b', version: '1.0', marker: "python_full_version < '3.11'" },
      text: ENTRY("a-b==1.0 ; python_full_version < '3.11'"),
    },
    { name: 'c', version: '2.0+cpu', marker: undefined, text: ENTRY('c==2.0+cpu', '1') },
  ]);
});

describe('the wheels of an app', () => {
  let workspace: Workspace;
  /** The output of uv by a part of its arguments, or its message when it fails. */
  let answers: Record<string, { lock?: string; error?: string }>;
  const calls = () => readFileSync(join(workspace.root, 'calls'), 'utf8').trim().split('\n');
  const uv = (part: string, answer: { lock?: string; error?: string }) => {
    answers = { ...answers, [part]: answer };
    workspace.write('answers.json', JSON.stringify(answers));
  };
  const lockIt = (engines = ['toy']) => {
    lockWheels(workspace.root, { folder: 'apps/voice', name: 'requirements', engines });
    return readFileSync(join(workspace.root, 'apps/voice/requirements.lock'), 'utf8');
  };

  beforeEach(() => {
    workspace = makeWorkspace();
    answers = {};
    workspace.write(
      'uv',
      `#!/usr/bin/env node
      const { appendFileSync, readFileSync, writeFileSync } = require('node:fs');
      const args = process.argv.slice(2);
      appendFileSync(__dirname + '/calls', args.join(' ') + '\\n');
      const answers = JSON.parse(readFileSync(__dirname + '/answers.json', 'utf8'));
      const answer = Object.entries(answers).find(([part]) => args.join(' ').includes(part))[1];
      if (answer.error) { process.stderr.write(answer.error); process.exit(1); }
      writeFileSync(args[args.indexOf('--output-file') + 1], answer.lock);`,
    );
    writeFileSync(join(workspace.root, 'package.json'), '{ "type": "commonjs" }');
    chmodSync(join(workspace.root, 'uv'), 0o755);
    vi.stubEnv('UV', join(workspace.root, 'uv'));
    workspace.write('apps/voice/requirements.in', 'siren\n');
    workspace.write(
      'libs/engine-toy/python/requirements.lock',
      ENTRY('toy==1.0') + ENTRY("half==2.0 ; python_version < '3.13'"),
    );
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    workspace.remove();
  });

  it('are resolved within the engine’s versions, and listed without the engine’s wheels', () => {
    uv('--constraints', { lock: `# by uv\n${ENTRY('siren==5.0')}${ENTRY('toy==1.0')}` });
    expect(lockIt()).toBe(`# by uv\n${ENTRY('siren==5.0')}`);
    expect(calls()).toEqual([
      expect.stringContaining(`--constraints ${workspace.root}/libs/engine-toy/python/requirements.lock`),
    ]);
  });

  it('keep a wheel that the engine has for some Pythons only', () => {
    uv('compile', { lock: ENTRY('half==2.0') });
    expect(lockIt()).toBe(ENTRY('half==2.0'));
    uv('compile', { lock: ENTRY("half==2.0 ; python_version < '3.13'") });
    expect(lockIt()).toBe('');
  });

  it('are refused by name where the engine has another version', () => {
    // Recorded from uv 0.13; only the name of the wheel is another.
    const error =
      'error: No solution found when resolving dependencies\n  cause: Because you require toy<1 and toy==1.0, ' +
      'we can conclude that your requirements are unsatisfiable.\n';
    uv('compile', { error });
    expect(() => lockIt()).toThrow(
      /^apps\/voice\/requirements\.in could not be locked\.\nerror: No solution[^]*The engine toy brings toy 1\.0: a service cannot have another version\./,
    );
    expect(existsSync(join(workspace.root, 'apps/voice/requirements.lock'))).toBe(false);
  });

  it('are one list for all engines of the app, or refused by name', () => {
    uv('/toy.lock', { lock: ENTRY('siren==5.0') + ENTRY('toy==1.0') });
    uv('/bare.lock', { lock: ENTRY('siren==5.0') });
    expect(lockIt(['toy', 'bare'])).toBe(ENTRY('siren==5.0'));
    uv('/bare.lock', { lock: ENTRY('siren==4.0') + ENTRY('toy==1.0') });
    expect(() => lockIt(['toy', 'bare'])).toThrow(
      'apps/voice/requirements.in leads to other wheels on the engine bare than on toy: siren, toy.',
    );
  });

  it('are found after those of the engines', () => {
    workspace.write('apps/voice/package.json', '{ "dependencies": { "@xim/engine-toy": "1" } }');
    workspace.write('libs/engine-toy/python/requirements.in', 'toy\n');
    expect(wheelLists(workspace.root)).toEqual([
      { folder: 'libs/engine-toy/python', name: 'requirements', engines: [] },
      { folder: 'apps/voice', name: 'requirements', engines: ['toy'] },
    ]);
  });
});
