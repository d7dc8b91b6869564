import { type Log, XimError } from '@xim/engine';
import type { Config } from '../config/config.ts';
import type { ApiKeys } from '../http/auth.ts';

/** The work of SIGHUP: reads the file of keys again. Keys of the environment cannot change while the process runs. */
export function reloadKeys(keys: ApiKeys, { apiKeysFile }: Pick<Config, 'apiKeysFile'>, log: Log): void {
  if (apiKeysFile === undefined) {
    log.warn({}, 'there is no XIM_API_KEYS_FILE to read again; keys of XIM_API_KEYS change with a restart');
    return;
  }
  try {
    keys.reload();
    log.info({ keys: keys.count }, 'the API keys are read again');
  } catch (error) {
    if (!XimError.isInstance(error)) throw error;
    log.error({ code: error.code }, `the API keys stay as they are: ${error.message}`);
  }
}
