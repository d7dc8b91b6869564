import type { Command } from './command.ts';
import { convert } from './convert.ts';
import { exportModels } from './export.ts';
import { importModels } from './import.ts';
import { list } from './list.ts';
import { lock } from './lock.ts';
import { prune } from './prune.ts';
import { pull } from './pull.ts';
import { ready } from './ready.ts';
import { verify } from './verify.ts';
import { which } from './which.ts';

/** In the order of the help. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  list,
  pull,
  verify,
  lock,
  convert,
  ready,
  export: exportModels,
  import: importModels,
  prune,
  which,
};
