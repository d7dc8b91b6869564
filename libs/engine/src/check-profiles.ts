import type { EngineFactory } from './engine.ts';
import type { Profile, Refusal } from './model.ts';
import type { Task } from './task.ts';

/** Requirements of an engine for every model. */
export interface EngineTraits {
  readonly name: string;
  /** Tasks for which the engine has a handler. */
  readonly tasks: readonly Task[];
  /** Instruction sets without which the engine does not run at all. */
  readonly isa?: readonly string[] | undefined;
}

/** The `check` of an engine that takes the first of its profiles whose instruction sets the host has. */
export function checkProfiles({ name, tasks, isa: always = [] }: EngineTraits): EngineFactory['check'] {
  return (host, model, handler) => {
    const isHandled = handler !== undefined || tasks.includes(model.task);
    const profiles = model.profiles.filter((profile) => profile.engine === name);
    const missingIsa = ({ isa }: Profile) => [...new Set([...always, ...isa])].filter((one) => !host.isa.includes(one));
    const fitting = profiles.find((profile) => missingIsa(profile).length === 0);
    if (fitting !== undefined && isHandled) return fitting;

    const closest = profiles.map(missingIsa).sort((a, b) => a.length - b.length)[0] ?? [];
    const found = host.isa.filter((isa) => /^(sse4_2|avx|amx)/.test(isa)).join(', ') || 'none of AVX or AMX';
    const missing = [
      ...(isHandled ? [] : [`a handler for the task ${model.task} (has: ${tasks.join(', ')})`]),
      ...(profiles.length > 0 ? [] : [`a profile of ${model.id} for the engine "${name}"`]),
      ...closest.map((isa) => `${isa} (found: ${found})`),
    ];
    return { missing, advice: toAdvice() };

    function toAdvice(): Refusal['advice'] {
      if (!isHandled) return `Give the service an engine that can do ${model.task}, or a handler of its own.`;
      if (profiles.length === 0) return `Add a profile for "${name}" to the entry of ${model.id} in models.json.`;
      return `Move to a host with ${closest.join(' and ')}: Intel Xeon has AVX2 since Haswell (2014).`;
    }
  };
}
