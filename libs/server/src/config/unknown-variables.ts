/** Variables of the hub's own tools that a service reads, beside those of its own table. */
const HUB_VARIABLES = ['HF_HOME', 'HF_HUB_CACHE', 'HF_HUB_OFFLINE'];

/**
 * A sentence per variable that is set and looks like one of a service without being one: every `XIM_…` that is not
 * `known`, and each `HF_…` that is one letter away from a name that counts. The hub's tools have many more of those.
 */
export function warnOfUnknown(
  env: Readonly<Record<string, string | undefined>>,
  known: ReadonlySet<string>,
): readonly string[] {
  const counting = new Set([...known, ...HUB_VARIABLES]);
  return Object.keys(env)
    .filter((name) => /^(?:XIM|HF)_/i.test(name) && env[name] && !counting.has(name))
    .sort()
    .flatMap((name) => {
      const near = [...counting].find((one) => isOneSlip(name.toUpperCase(), one));
      const own = /^XIM_/i.test(name);
      if (near === undefined && !own) return [];
      const advice = near === undefined ? '--help lists those that are' : `is ${near} meant?`;
      return [`${name} is not a variable of this service and has no effect; ${advice.replace(/[^?]$/, '$&.')}`];
    });
}

/** Whether one letter is another, missing or too much, or two neighbours are swapped; also for equal texts. */
export function isOneSlip(text: string, other: string): boolean {
  let start = 0;
  while (start < text.length && text[start] === other[start]) start += 1;
  let end = 0;
  const most = Math.min(text.length, other.length) - start;
  while (end < most && text.at(-1 - end) === other.at(-1 - end)) end += 1;
  const [rest, expected] = [text.slice(start, text.length - end), other.slice(start, other.length - end)];
  if (rest.length <= 1 && expected.length <= 1) return true;
  return rest.length === 2 && expected.length === 2 && rest[0] === expected[1] && rest[1] === expected[0];
}
