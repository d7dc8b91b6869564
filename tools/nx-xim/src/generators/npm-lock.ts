import { execFileSync } from 'node:child_process';

/**
 * Tells npm of a new folder: an entry in package-lock.json, without which `npm ci` refuses to install, and a link in
 * node_modules. It needs no network, since nothing is installed that was not there.
 */
export function addToLockFile(root: string): void {
  try {
    execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch {
    console.error('npm could not enter the new folder in package-lock.json (above is why). Run: npm install');
  }
}
