import type { TokenizeOutput } from '@xim/engine';
import type { SimpleToken } from '@xim/tgi-schema';

export function toTgiTokens({ tokens }: TokenizeOutput): SimpleToken[] {
  return tokens.map(({ id, text, start, end }) => ({ id, text, start, stop: end }));
}
