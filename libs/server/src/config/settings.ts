import { z } from 'zod';

/** The documentation of one key of the configuration. */
export interface Setting {
  /** Name of the environment variable. */
  readonly env: string;
  /** Completes "expected …". */
  readonly expected: string;
  /** One sentence. */
  readonly advice: string;
  /** The default as it is printed, where the value itself says little. */
  readonly shown?: string;
  /** The value is never printed. */
  readonly secret?: boolean;
}

export const settings = z.registry<Setting>();

/** The forms of values that several settings share. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);
export const seconds = z.coerce.number().positive().max(86_400);
export const count = z.coerce.number().int().min(1).max(1_000_000);
export const watts = z.coerce.number().positive().max(1000);
export const grams = z.coerce.number().min(0).max(5000);
export const bytes = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
export const alias = z
  .string()
  .regex(/^[^\s=]+(=[^\s=]+)?$/)
  .transform((text) => ({ name: text.split('=')[0]!, target: text.split('=')[1] }));
