import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './processes.ts';

const verify = (...args: string[]) =>
  spawnSync(process.execPath, ['--conditions=@xim/source', '--import', 'tsx', 'tools/bench/verify-host.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
const recorded = (name: string) => join(ROOT, 'libs/host-plan/src/__fixtures__', name);
const timeout = 120_000;

it('prints everything that a host lacks, what serves instead, and exits with 1', { timeout }, () => {
  const { status, stdout } = verify('--root', recorded('amd'));
  expect(stdout).toMatch(/^## xFasterTransformer on this host\n/);
  expect(stdout).toContain('- gate: refused\n  - missing: a CPU of the vendor GenuineIntel (found: AuthenticAMD)');
  expect(stdout).toMatch(/here the engine oneapi serves/);
  expect(status).toBe(1);
});

it(
  'of a recorded Xeon tells the dtype and the instruction set that would be used, and runs nothing',
  { timeout },
  () => {
    const { status, stdout } = verify('--root', recorded('xeon-amx-v1'));
    expect(stdout).toContain('- gate: dtype bf16, uses amx_bf16');
    expect(status).toBe(0);
  },
);

it('refuses a number of tokens that is none', { timeout }, () => {
  const { status, stdout } = verify('--tokens', '0');
  expect(stdout).toContain('--tokens 0: expected a whole number from 1.');
  expect(status).toBe(2);
});
