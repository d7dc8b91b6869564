import { z } from 'zod';

// All values of a form are text. A form sends an empty text for an empty field.
const absent = (value: unknown): unknown => (value === '' ? undefined : value);

/** A field that may be absent, empty or null. */
export const optionalField = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess(absent, schema.nullish()).optional();

/** A number, or a number as text. */
export const numberField = (schema: z.ZodNumber) =>
  optionalField(z.preprocess((value) => (typeof value === 'string' ? toNumber(value) : value), schema));

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };

/** true or false, 1 or 0, or one of them as text. */
export const booleanField = optionalField(
  z.preprocess((value) => BOOLEANS[String(value).toLowerCase()] ?? value, z.boolean()),
);

/** A list; a single text is a list with one item. */
export const listField = <Item extends z.ZodType>(item: Item, most = 100) =>
  optionalField(z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(item).max(most)));

function toNumber(text: string): unknown {
  return /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : text;
}
