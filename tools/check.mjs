// `npm test`, which is `npm run check`. Dependency-free: it runs before anything is installed (setup/machine.mjs).
import { checkMachine } from './start/machine.mjs';

checkMachine();
import('./check/check.mjs').then(({ check }) => check(process.argv.slice(2))).then((code) => process.exit(code));
