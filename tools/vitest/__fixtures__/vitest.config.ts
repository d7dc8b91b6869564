import { mergeConfig } from 'vitest/config';
import base from '../../../vitest.base.ts';

// These files fail on purpose, and are no tests of the repository: their names do not match its pattern.
export default mergeConfig(base, { test: { include: ['tools/vitest/__fixtures__/*.fixture.ts'] } });
