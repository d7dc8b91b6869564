/** A model with one fixed text; each word is a token. */

const REPLY =
  'One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen, fifteen, sixteen, ' +
  'seventeen, eighteen, nineteen, twenty, and so on until the numbers come to their end.';

export const CONTEXT_LENGTH = 1000;

export const toTokens = (text: string): string[] => text.match(/\s*\S+/g) ?? [];

/** The id of a word; equal words have equal ids. */
export const toId = (token: string): number =>
  [...token].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 50_000, 7);

export interface Generated {
  readonly tokens: readonly string[];
  readonly text: string;
  readonly reason: 'stop' | 'length';
  /** Whether a stop string was found. */
  readonly stopped: boolean;
}

export interface GenerateOptions {
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly forced?: boolean;
  readonly keepStop?: boolean;
  /** A text that replaces the fixed text, such as a text that a grammar allows. */
  readonly says?: string;
}

export function generate({ maxTokens, stop, forced, keepStop, says }: GenerateOptions): Generated {
  const all = toTokens(says ?? (forced ? 'no '.repeat(30).trim() : REPLY));
  const tokens = all.slice(0, maxTokens);
  const text = tokens.join('');
  const cuts = stop.map((one) => [text.indexOf(one), one.length] as const).filter(([at]) => at >= 0);
  if (cuts.length > 0) {
    const [at, length] = cuts.sort((a, b) => a[0] - b[0])[0]!;
    const cut = text.slice(0, keepStop ? at + length : at);
    return { tokens: toTokens(cut), text: cut, reason: 'stop', stopped: true };
  }
  return { tokens, text, reason: all.length > tokens.length ? 'length' : 'stop', stopped: false };
}

/** A vector that depends on every letter of the input, and only on the input. */
export function toVector(input: string, length: number): number[] {
  let state = toId(input) + 1;
  const raw = Array.from({ length: 64 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647 - 0.5;
  }).slice(0, length);
  const norm = Math.hypot(...raw);
  return raw.map((value) => value / norm);
}

interface Schema {
  type?: string;
  enum?: unknown[];
  $ref?: string;
  properties?: Record<string, Schema>;
}

/** A value that the schema allows. Throws for a reference and for an unknown type. */
export function toInstance(schema: Schema): unknown {
  if (schema.$ref !== undefined) throw new Error(`unresolved ${schema.$ref}`);
  if (schema.enum) return schema.enum[0];
  if (schema.type === 'boolean') return true;
  if (schema.type !== 'object') throw new Error(`unknown type ${schema.type}`);
  return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([key, value]) => [key, toInstance(value)]));
}
