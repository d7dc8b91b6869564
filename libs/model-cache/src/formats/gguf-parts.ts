/** The names that llama.cpp's gguf-split gives: `stem-00002-of-00003.gguf`. */
const PART = /^(.*)-(\d{5})-of-(\d{5})(\.gguf)$/is;

/**
 * The files of a GGUF model that `path` names by any of its parts, in order: the first part has the header with the
 * model's facts. Of a file that is not split, the file alone.
 */
export function toGgufParts(path: string): string[] {
  const [, stem, number, count, ending] = PART.exec(path) ?? [];
  if (Number(number) < 1 || !(Number(number) <= Number(count))) return [path];
  return Array.from(
    { length: Number(count) },
    (_, i) => `${stem}-${String(i + 1).padStart(5, '0')}-of-${count}${ending}`,
  );
}

/** Whether the file is a part of a split file, and not its first part. */
export function isLaterPart(path: string): boolean {
  return toGgufParts(path)[0] !== path;
}

/** The name of the model without the number of a part and the ending. */
export function toGgufStem(name: string): string {
  return PART.exec(name)?.[1] ?? name.replace(/\.gguf$/i, '');
}
