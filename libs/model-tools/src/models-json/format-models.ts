/** Columns that a line of a models.json may have. */
const WIDTH = 120;

/**
 * The text of a models.json in the format of this repository's formatter: a list or object of plain values is one line
 * where it fits, each other value has separate lines.
 */
export function formatModels(models: unknown): string {
  return `${format(models, '', 0)}\n`;
}

/** `used` is the number of columns before the value, with the comma after it. */
function format(value: unknown, indent: string, used: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const list = Array.isArray(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const plain = members.every(([, member]) => typeof member !== 'object' || member === null);
  const keys = members.map(([key]) => (list ? '' : `${JSON.stringify(key)}: `));
  if (members.length === 0) return list ? '[]' : '{}';
  if (plain) {
    const texts = members.map(([, member], index) => keys[index] + JSON.stringify(member));
    const line = list ? `[${texts.join(', ')}]` : `{ ${texts.join(', ')} }`;
    if (indent.length + used + line.length + 1 <= WIDTH) return line;
  }
  const inner = `${indent}  `;
  const lines = members.map(([, member], index) => {
    const key = keys[index] ?? '';
    return inner + key + format(member, inner, key.length);
  });
  const [open, close] = list ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}
