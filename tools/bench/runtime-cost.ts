import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './processes.ts';
import type { Figure } from './report.ts';
import type { Settings } from './settings.ts';
import { medianInterval } from './statistics.ts';

/** Tokens of the default model, and of the largest vocabularies in use. */
const VOCABULARIES = [49_152, 151_936];

/** Milliseconds that a step of 32 streams may take besides the model, at the larger vocabulary. */
const LEAST: Readonly<Record<string, number>> = { greedy: 1.5, schema: 4, 'required tool': 4 };

/** Interfaces between the runtime and an engine. */
const RUNNERS = ['paged', 'xft'] as const;

/** The cost per step of sampling, formats, text and events, over a runner that computes nothing. */
export async function benchRuntime(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const runner of RUNNERS) {
    for (const vocabulary of VOCABULARIES) {
      say(`the runtime's steps with ${vocabulary} tokens, runner ${runner}`);
      const costs = measure(settings, vocabulary, runner);
      for (const [name, milliseconds] of Object.entries(costs)) {
        const most = name.endsWith(', 32 streams') ? LEAST[name.slice(0, name.indexOf(','))] : undefined;
        figures.push({
          name: `${runner}, ${vocabulary} tokens, ${name}: a step besides the model`,
          unit: 'ms',
          value: medianInterval(milliseconds),
          ...(most !== undefined && { target: { at: 'most', value: most } }),
        });
      }
    }
  }
  return figures;
}

function measure({ env, pairs }: Settings, vocabulary: number, runner: string): Record<string, number[]> {
  const python = join(env['XIM_VENVS'] ?? '', 'oneapi', 'bin', 'python');
  const path = ['engine-oneapi', 'engine-xft', 'generation', 'worker']
    .map((name) => join(ROOT, 'libs', name, 'python'))
    .join(':');
  const script = join(ROOT, 'tools/bench/runtime_cost.py');
  const output = execFileSync(python, [script, String(vocabulary), String(pairs), runner], {
    env: { ...process.env, PYTHONPATH: path },
    encoding: 'utf8',
  });
  return JSON.parse(output) as Record<string, number[]>;
}
