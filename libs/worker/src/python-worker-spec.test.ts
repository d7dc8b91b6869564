import type { CreateOptions, ModelEntry, Task } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { pythonWorkerSpec } from './python-worker-spec.ts';

const optionsOf = (task: Task, more: Partial<CreateOptions> = {}) =>
  ({ model: { task } as ModelEntry, python: '/venv/bin/python', plan: { threads: 3 }, ...more }) as CreateOptions;
const worker = { module: 'xim_engine', folders: ['/python', '/generation/python'] };
const command = ['/venv/bin/python', '-m', 'xim_engine'];

describe('pythonWorkerSpec', () => {
  it.each<[Task, Task[] | string[]]>([
    ['generate', ['generate', 'tokenize']],
    ['embed', ['embed']],
    ['rerank', ['rerank']],
    ['transcribe', ['transcribe']],
    ['speak', ['speak']],
    ['generateImage', ['generateImage']],
  ])('runs the handler of %s', (task, tasks) => {
    const spec = pythonWorkerSpec(worker, optionsOf(task));
    expect(spec).toMatchObject({ command: [...command, task], ranks: 1, tasks });
  });

  it('hands the service’s own handler to the worker, which need not tokenize', () => {
    const spec = pythonWorkerSpec(worker, optionsOf('generate', { handler: '/app/handler.py' }));
    expect(spec).toMatchObject({ command: [...command, 'generate', '/app/handler.py'], tasks: ['generate'] });
  });

  it('starts several processes by the launcher of the package', () => {
    const spec = pythonWorkerSpec({ ...worker, ranks: 3 }, optionsOf('generate'));
    expect(spec.command).toEqual(['/venv/bin/python', '-m', 'xim_engine.ranks', '3', ...command, 'generate']);
    expect(spec.ranks).toBe(3);
  });

  it('gives the worker a whole environment that stays off the network', () => {
    const { env } = pythonWorkerSpec({ ...worker, env: { OWN: '1' } }, optionsOf('embed'));
    expect(env).toMatchObject({
      PYTHONPATH: '/python:/generation/python',
      OMP_NUM_THREADS: '3',
      HF_HUB_OFFLINE: '1',
      OPENBLAS_NUM_THREADS: '1',
      TOKENIZERS_PARALLELISM: 'false',
      OWN: '1',
    });
    expect(env['PATH']).toBeTruthy();
  });
});
