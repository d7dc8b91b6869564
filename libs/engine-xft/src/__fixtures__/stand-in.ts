import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, type Host, isRefusal, type ModelEntry, type Plan } from '@xim/engine';
import { xft } from '../xft-engine.ts';
import type { XftOptions } from '../xft-options.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const VENVS = process.env['XIM_VENVS'] ?? join(ROOT, '.venv');
const tests = join(ROOT, 'libs/engine-xft/python/tests/stand_in');
const log = { debug() {}, info() {}, warn() {}, error() {} };

/** Two sockets of a Xeon of the 4th generation. AMX stays out: the test's host may not have it, and it is asked for. */
export const host: Host = {
  vendor: 'GenuineIntel',
  cpuModel: '',
  isa: ['avx2', 'avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl', 'avx512_bf16', 'avx512_fp16'],
  cpus: [0, 1, 2, 3].map((id) => ({ id, core: id, socket: id >> 1, node: id >> 1 })),
  memoryBytes: 2 ** 33,
  availableMemoryBytes: 2 ** 33,
};

const plan: Plan = {
  threads: 2,
  slots: 4,
  queue: 64,
  kvCacheBytes: 0,
  batchTokens: 32,
  stallMs: 10_000,
  reasons: [],
};

/** An environment in which the library is the stand-in and Intel MPI is a script, a model for it, and their removal. */
export function makeStandIn() {
  const folder = mkdtempSync(join(tmpdir(), 'xim-stand-in-'));
  const bin = join(folder, 'venv/bin');
  const model = join(folder, 'model');
  mkdirSync(bin, { recursive: true });
  mkdirSync(model);
  const python = join(bin, 'python');
  const interpreter = join(VENVS, 'generation/bin/python');
  const path = [tests, join(ROOT, 'libs/generation/python/tests')].join(':');
  const script = (name: string, line: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  script('python', `PYTHONPATH="${path}:$PYTHONPATH" exec "${interpreter}" "$@"`);
  script('mpiexec.hydra', `exec "${interpreter}" "${join(tests, 'mpiexec.py')}" "$@"`);
  const folders = ['generation', 'worker'].map((name) => join(ROOT, 'libs', name, 'python'));
  execFileSync(python, [join(tests, 'make_model.py'), model], { env: { PYTHONPATH: folders.join(':') } });

  return {
    model,
    remove: () => rmSync(folder, { recursive: true }),
    create(options: XftOptions = {}, more: { modelPath?: string; python?: string; plan?: Partial<Plan> } = {}): Engine {
      const entry: ModelEntry = {
        id: 'xim/tiny',
        task: 'generate',
        licence: 'Apache-2.0',
        created: 1,
        artifacts: {},
        profiles: [{ engine: 'xft', isa: [], options: { contextLength: 32_768, ...options } }],
        shape: { contextLength: 32_768, layers: 2, kvHeads: 1, headDim: 8 },
      };
      const profile = xft.check(host, entry);
      if (isRefusal(profile)) throw new Error(profile.missing.join());
      const settings = { modelPath: model, python, log, ...more, plan: { ...plan, ...more.plan } };
      return xft.create({ profile, model: entry, ...settings });
    },
  };
}
