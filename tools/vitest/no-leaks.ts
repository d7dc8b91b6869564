import { afterAll } from 'vitest';
import { watchLeaks } from './leaks.ts';

// Set-up file of every test file: registered first, this hook runs after all hooks of the file itself.
const leaks = watchLeaks();
afterAll(async () => {
  const found = await leaks.end();
  if (found.length > 0) throw new Error(`This test file left something behind:\n${found.join('\n')}`);
});
