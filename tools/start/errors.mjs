import { statfsSync } from 'node:fs';

/** The reason why the set-up stops, as one sentence for a person. It never needs a stack trace. */
export class SetupError extends Error {}

const MB = 2 ** 20;

const FULL = /ENOSPC|No space left on device|\[Errno 28\]|disk is full/i;
const DENIED = /EACCES|EROFS|EPERM|Permission denied|Read-only file system/i;
const CERTIFICATE = /CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER|VERIFY)|SSLError|CERT_/;
const UNREACHED =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH|EHOSTUNREACH|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|ConnectionError|Max retries exceeded|Failed to establish a new connection|Temporary failure in name resolution/;
const UNCACHED = /ENOTCACHED/;
const TAMPERED = /DO NOT MATCH THE HASHES|EINTEGRITY/;
const NO_WHEEL = /No matching distribution found for (\S+)/;

/**
 * Whether the output of npm or pip reports a server that could not be reached, or a certificate that is not trusted.
 *
 * @param {string} output
 */
export function isUnreached(output) {
  return UNREACHED.test(output) || UNCACHED.test(output) || CERTIFICATE.test(output);
}

/**
 * Free space of the file system that a folder is on, for this user.
 *
 * @param {string} folder
 */
export function freeBytes(folder) {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/**
 * The sentence for a failed step, from the output of its tool.
 *
 * @param {object} step
 * @param {string} step.doing name of the step, such as `installing node packages`
 * @param {string} step.from source of the files, such as `the npm registry`
 * @param {string} step.folder target folder
 * @param {number} step.needs approximate bytes in the target folder
 * @param {string} step.output complete output of the tool
 * @param {string} step.log the file that holds the output
 * @param {string} [step.python] version of the Python that was used, where one was
 * @param {boolean} [step.offline] the network was forbidden
 */
export function toSetupError({ doing, from, folder, needs, output, log, python, offline }) {
  const failed = capitalised(doing) + ' failed:';
  const size = `about ${Math.round(needs / MB)} MB`;
  if (FULL.test(output)) {
    // pip unpacks and npm caches elsewhere too: where the folder itself has room, another file system is the full one.
    const where =
      freeBytes(folder) < needs ? folder : `${folder}, the temporary folder or the cache below your home folder`;
    return new SetupError(`${failed} the disk of ${where} is full. It needs ${size}; free some space and start again.`);
  }
  if (TAMPERED.test(output))
    return new SetupError(
      `${failed} a file from ${from} is not the one that the lock file names (its hash differs). Remove the mirror or cache that changed it, and start again; details are in ${log}.`,
    );
  if (CERTIFICATE.test(output))
    return new SetupError(
      `${failed} the certificate of ${from} is not trusted here. Behind a company's proxy, name its certificate (NODE_EXTRA_CA_CERTS for npm, PIP_CERT for pip) and start again.`,
    );
  if (offline && (UNCACHED.test(output) || NO_WHEEL.test(output)))
    return new SetupError(
      `${failed} XIM_OFFLINE=1 forbids the network, and not everything is on this machine yet. Start once without it; from then on no network is needed.`,
    );
  if (UNREACHED.test(output) || UNCACHED.test(output))
    return new SetupError(
      `${failed} ${from} could not be reached. Check the network (or the proxy, HTTPS_PROXY) and start again; once set up, no network is needed.`,
    );
  const wheel = NO_WHEEL.exec(output);
  if (wheel && python)
    return new SetupError(
      `${failed} ${from} has no wheel of ${wheel[1]} for Python ${python} on this machine. Install Python 3.10 to 3.14 on a Linux with glibc 2.28 or newer, and name it: XIM_PYTHON=/path/to/python3.`,
    );
  if (DENIED.test(output))
    return new SetupError(`${failed} ${folder} cannot be written. Give this user the right to, or clone elsewhere.`);
  return new SetupError(`${failed} ${lastWords(output)} The whole output is in ${log}.`);
}

/** @param {string} text */
function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * The most useful line: the last line with the word "error", else the last line.
 *
 * @param {string} output
 */
function lastWords(output) {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const line = lines.findLast((text) => /error/i.test(text)) ?? lines.at(-1) ?? 'it said nothing.';
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
