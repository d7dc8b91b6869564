const WIDTH = 120;

/** A Python docstring of a text, indented, in lines that are not too long. */
export function toDocstring(text: string, indent: number): string {
  const margin = ' '.repeat(indent);
  const safe = text.replaceAll('\\', '\\\\').replaceAll('"""', "'''");
  const alone = `${margin}"""${safe}"""`;
  // A quote at the end would close it too early.
  if (alone.length <= WIDTH && !safe.endsWith('"')) return alone;
  const lines: string[] = [];
  let line = `${margin}"""`;
  for (const word of safe.split(' ')) {
    const longer = /"""$|^\s*$/.test(line) ? line + word : `${line} ${word}`;
    if (longer.length <= WIDTH) line = longer;
    else {
      lines.push(line);
      line = margin + word;
    }
  }
  return [...lines, line, `${margin}"""`].join('\n');
}
