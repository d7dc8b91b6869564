import type { Host, ModelEntry, Profile, Refusal, Task } from '@xim/engine';

/** Tasks with a handler in `python/xim_engine_oneapi`. */
export const TASKS: readonly Task[] = ['generate', 'embed'];

/** oneDNN has no kernels below it that are worth serving with. */
const LEAST_ISA = 'avx2';

/** The first profile for this engine whose instruction sets the host has; pure. */
export function checkOneapi(host: Host, model: ModelEntry, handler?: string): Profile | Refusal {
  const isHandled = handler !== undefined || TASKS.includes(model.task);
  const profiles = model.profiles.filter((profile) => profile.engine === 'oneapi');
  const missingIsa = (profile: Profile) =>
    [...new Set([LEAST_ISA, ...profile.isa])].filter((isa) => !host.isa.includes(isa));
  const fitting = profiles.find((profile) => missingIsa(profile).length === 0);
  if (fitting !== undefined && isHandled) return fitting;

  const missing: string[] = [];
  if (!isHandled) missing.push(`a handler for the task ${model.task} (has: ${TASKS.join(', ')})`);
  if (profiles.length === 0) missing.push(`a profile of ${model.id} for the engine "oneapi"`);
  const found = host.isa.filter((isa) => /^(sse4_2|avx|amx)/.test(isa)).join(', ') || 'none of AVX or AMX';
  const closest = profiles.map(missingIsa).sort((a, b) => a.length - b.length)[0] ?? [];
  missing.push(...closest.map((isa) => `${isa} (found: ${found})`));
  return { missing, advice: isHandled ? toAdvice(model, profiles, closest) : toTaskAdvice(model) };
}

function toTaskAdvice({ task }: ModelEntry): string {
  return `Give the service an engine that can do ${task}, or a handler of its own.`;
}

function toAdvice({ id }: ModelEntry, profiles: readonly Profile[], closest: readonly string[]): string {
  if (profiles.length === 0) return `Add a profile for "oneapi" to the entry of ${id} in models.json.`;
  return `Move to a host with ${closest.join(' and ')}: Intel Xeon has AVX2 since Haswell (2014).`;
}
