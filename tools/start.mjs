// `npm start`. Dependency-free: it runs before anything is installed, under whatever Node the user has (setup/machine.mjs).
import { checkMachine } from './start/machine.mjs';

checkMachine();
import('./start/start.mjs').then(({ start }) => start(process.argv.slice(2))).then((code) => process.exit(code));
