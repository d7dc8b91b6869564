import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { toRanksCommand } from '../../../libs/engine-xft/src/xft-ranks.ts';
import { CONFINED } from '../docker-args.ts';
import { buildImages, modelCache } from './build.ts';
import { ROOT } from './checkout.ts';
import { docker, readDockerHost, SKIPPED } from './docker-host.ts';
import { findPyTorchOrStandIn, type PyTorch } from './pytorch-wheel.ts';
import { ask, runToEnd, startContainer } from './service.ts';

const MINUTE = 60_000;
const IMAGE = 'opea-xim/vllm-xft';
const RANKS = 'xim-test-xft-ranks';
const PYTHON = '/opt/xim/venvs/xft/bin/python';
const WEIGHTS = [`--volume=${modelCache()}:/models:ro`, '--env=XIM_OFFLINE=1'];
const dockerHost = readDockerHost();

/** The OpenMP libraries of a process after the engine's own preparation, the first one first. */
const OPENMP = `
from xim_engine_xft.preload import preload_openmp
preload_openmp()
import ctypes, os, torch
ctypes.CDLL("libnuma.so.1")
print(os.getuid(), torch.ones(2, 2).mm(torch.ones(2, 2)).sum().item())
loaded = {line.split()[-1] for line in open("/proc/self/maps") if "omp" in line}
print(os.environ["LD_PRELOAD"] in loaded, os.environ["LD_PRELOAD"])
`;

/** The sum over the ranks by the library's own way to oneCCL, which uses Intel MPI. It needs no PyTorch. */
const SUM = `
import ctypes, os, pathlib, sys
site = pathlib.Path(next(path for path in sys.path if path.endswith("site-packages")))
helper = ctypes.CDLL(str(site / "xfastertransformer/libxft_comm_helper.so"))
size, rank, stages = ctypes.c_int(), ctypes.c_int(), ctypes.c_int(1)
helper.init(ctypes.byref(size), ctypes.byref(rank), ctypes.byref(stages))
numbers, sums = (ctypes.c_float * 4096)(*[rank.value + 1.0] * 4096), (ctypes.c_float * 4096)()
helper.allreduce(numbers, sums, ctypes.c_size_t(4096))
print(f"rank {rank.value} of {size.value}: {set(sums)} on {sorted(os.sched_getaffinity(0))}", flush=True)
helper.freePCOMM()
helper.mpiFinalize()
`;

/** The library is not loaded here: a stand-in has another ABI, and without AVX-512 its import ends the process. */
describe(
  'the images on xFasterTransformer, with its PyTorch or another version as a stand-in',
  { timeout: 10 * MINUTE },
  () => {
    const work = mkdtempSync(join(tmpdir(), 'xim-xft-'));
    let pytorch: PyTorch;

    beforeAll(async () => {
      if (!dockerHost) return;
      pytorch = await findPyTorchOrStandIn('xft', join(work, 'wheels'), 'ipex');
      if ('args' in pytorch)
        vi.stubEnv('XIM_DOCKER_BUILD_ARGS', `${process.env['XIM_DOCKER_BUILD_ARGS'] ?? ''} ${pytorch.args}`);
    }, 10 * MINUTE);
    beforeEach((context) => {
      context.skip(!dockerHost, SKIPPED);
      if ('reason' in pytorch) context.skip(pytorch.reason);
    });
    afterAll(() => {
      vi.unstubAllEnvs();
      // No later push can find an image with a stand-in.
      if (dockerHost && 'args' in pytorch) {
        const names = [IMAGE, 'apps-vllm-xft', 'xim-xft', RANKS].map((name) => `--filter=reference=${name}`);
        const tags = docker(['images', '--format={{.Repository}}:{{.Tag}}', ...names]);
        if (tags) docker(['image', 'rm', '--force', ...tags.split('\n')]);
      }
      rmSync(work, { recursive: true, force: true });
    }, 5 * MINUTE);

    it('xim-xft and vllm-xft are built, within their budgets and under licences that were read', async ({
      annotate,
    }) => {
      if ('standIn' in pytorch) await annotate(pytorch.standIn!);
      await buildImages('xim-xft:docker-build', 'xim-xft:image-size', 'vllm-xft:licences', 'vllm-xft:image-size');
    });

    it('a worker has PyTorch and libnuma, and the OpenMP of the library before any other', async () => {
      const args = ['--tmpfs=/tmp', '--env=PYTHONPATH=/app/dist/python', `--entrypoint=${PYTHON}`];
      const output = docker(['run', '--rm', '--network=host', ...CONFINED, ...args, IMAGE, '-c', OPENMP]);
      const [computed, preloaded] = output.split('\n');
      expect(computed).toBe('1000 8.0');
      expect(preloaded).toMatch(/^True \/opt\/xim\/venvs\/xft\/.*\/xfastertransformer\/libiomp5\.so$/);
    });

    it('what the library does not take is served by OpenVINO, and the metadata say why', async () => {
      const container = await startContainer(IMAGE, { args: WEIGHTS });
      onTestFinished(() => container.remove());
      expect(await ask(container.origin, 'Name a sea.')).toMatch(/\w/);
      const { engine } = (await (await fetch(`${container.origin}/v1/metadata`)).json()) as { engine: object };
      const missing = expect.arrayContaining([expect.stringMatching(/^a profile of .* for the engine "xft"$/)]);
      expect(engine).toMatchObject({ name: 'oneapi', refusals: [{ engine: 'xft', missing }] });
    });

    it('where xft is pinned, the start ends with the reasons', async () => {
      const { code, output } = await runToEnd(IMAGE, [...WEIGHTS, '--env=XIM_ENGINE=xft']);
      expect(code).toBe(1);
      expect(output).toMatch(/pinned by XIM_ENGINE\): xft is missing .*a profile of .*for the engine "xft"/);
    });

    it('two ranks of the target "ranks" add up by oneCCL and Intel MPI, each on its CPU', async () => {
      const args = ['--target=ranks', '--build-arg=ENGINE_IMAGE=xim-oneapi', '--provenance=false', '--quiet'];
      const own = process.env['XIM_DOCKER_BUILD_ARGS']!.split(' ').filter(Boolean);
      docker(['build', '--file=xim/xft/Dockerfile', `--tag=${RANKS}`, ...args, ...own, ROOT]);
      const places = [0, Math.min(1, availableParallelism() - 1)].map((cpu) => ({ node: 0, cpus: [cpu] }));
      const { command, env } = toRanksCommand({ python: PYTHON, rank: [PYTHON, '-c', SUM], places, threads: 2 });
      const [program, ...rest] = command;
      const options = [
        ...Object.entries({ ...env, PYTHONPATH: '/python' }).map(([name, value]) => `--env=${name}=${value}`),
        `--volume=${join(ROOT, 'libs/engine-xft/python')}:/python:ro`,
        `--entrypoint=${program}`,
      ];
      const { code, output } = await runToEnd(RANKS, options, rest);
      expect(code, output).toBe(0);
      for (const [rank, { cpus }] of places.entries())
        expect(output).toContain(`rank ${rank} of 2: {3.0} on [${cpus[0]}]`);
    });
  },
);
