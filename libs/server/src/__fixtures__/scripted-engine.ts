import type { Engine, EngineExit, EngineFactory, EngineInfo } from '@xim/engine';

export type Tasks = Pick<Engine, 'generate' | 'tokenize' | 'embed' | 'rerank' | 'transcribe' | 'generateImage'>;

/** An engine in this process that does what the test says. */
export function scripted(tasks: Tasks, more: Partial<EngineInfo> = {}): EngineFactory {
  return {
    name: 'scripted',
    check: (_host, model) => ({ engine: 'scripted', isa: [], options: { model: model.id } }),
    formats: [],
    memory: () => ({ weightBytes: 0, reserveBytes: 0 }),
    create({ model, plan }) {
      let state: Engine['state'] = 'starting';
      let exit!: (exit: EngineExit) => void;
      const info: EngineInfo = {
        engine: 'scripted',
        runtime: { name: 'none', version: '1', isa: 'none' },
        models: [model.id],
        dtype: 'none',
        slots: plan.slots,
        loadSeconds: 0,
        verified: true,
        ...more,
      };
      return {
        ...tasks,
        exited: new Promise<EngineExit>((resolve) => (exit = resolve)),
        get state() {
          return state;
        },
        get lastProgress() {
          return performance.now();
        },
        async start() {
          state = 'ready';
          return info;
        },
        async stop() {
          state = 'dead';
          exit({ reason: 'it was stopped', expected: true, lastWords: [] });
        },
      };
    },
  };
}
