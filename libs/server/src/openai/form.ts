import { InvalidInputError } from '@xim/engine';
import type { z } from 'zod';
import { toInvalidInput } from '../errors/invalid-input.ts';
import type { Upload } from '../http/upload.ts';

/** The fields of a form, by their schema. Throws InvalidInputError. */
export function readFields<Schema extends z.ZodType>({ fields }: Upload, schema: Schema): z.infer<Schema> {
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  throw toInvalidInput(parsed.error);
}

/** A file that a form may have once. */
export interface FormFile {
  readonly field: string;
  /** For messages: `recording`. */
  readonly noun: string;
}

/** The path of a form's file; undefined where there is none. Throws InvalidInputError for several, text or no bytes. */
export function readFile({ files, fields }: Upload, { field, noun }: FormFile): string | undefined {
  const wrong = (message: string): InvalidInputError => new InvalidInputError(message, { param: field });
  const [file, ...more] = files.filter((one) => one.field === field);
  if (more.length > 0) throw wrong(`There are several files; one ${noun} was expected.`);
  if (!file && field in fields) throw wrong(`The field "${field}" is text; expected a file, with a file name.`);
  if (file?.bytes === 0) throw wrong(`The ${noun} is empty: a file of 0 bytes.`);
  return file?.path;
}
