import { execFileSync } from 'node:child_process';

/**
 * Tells npm of a new folder: an entry in package-lock.json, without which `npm ci` refuses to install, and a link in
 * node_modules. It needs no network, since nothing is installed that was not there.
 */
export function addToLockFile(root: string): void {
  try {
    execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      env: ownEnvironment(),
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch {
    console.error('npm could not enter the new folder in package-lock.json (above is why). Run: npm install');
  }
}

/** Without the settings that npm gives to the programs that it runs; files such as ~/.npmrc count. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
}
