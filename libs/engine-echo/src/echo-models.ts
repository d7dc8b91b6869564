import type { ModelEntry, Task } from '@xim/engine';
import type { EchoOptions } from './echo-options.ts';

/** A model without files that only the echo engine runs; its id is `xim/echo-<task>`. */
export function echoModel(task: Task, options: EchoOptions = {}): ModelEntry {
  return {
    id: `xim/echo-${task}`,
    task,
    licence: 'Apache-2.0',
    created: 1_762_000_000,
    artifacts: {},
    profiles: [{ engine: 'echo', isa: [], options: { ...options }, verified: ['none'] }],
    shape: {
      contextLength: options.contextLength ?? 4096,
      ...(task === 'embed' && { dimensions: options.dimensions ?? 384, truncatable: true }),
    },
  };
}
