import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';

/**
 * Runs `work` while no other process does so for the same folder; waits for its turn.
 *
 * The lock is a socket in Linux's abstract namespace (unix(7)): the kernel gives it to one process, and takes it back
 * at any end of that process, so that no stale lock file can stop a start. A waiting process is connected to the socket
 * and is woken by its end.
 *
 * @template T
 * @param {string} folder
 * @param {() => void} onWait called once if another process is at it
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withSetupLock(folder, onWait, work) {
  const name = `\0xim-setup-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`;
  /** @type {Set<import('node:net').Socket>} */
  const waiting = new Set();
  const server = createServer((socket) => {
    waiting.add(socket);
    socket.on('error', () => {}).on('close', () => waiting.delete(socket));
  });
  for (let waited = false; !(await listens(server, name)); waited = true) {
    if (!waited) onWait();
    await ended(name);
  }
  try {
    return await work();
  } finally {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of waiting) socket.destroy();
    await closed;
  }
}

/**
 * @param {import('node:net').Server} server
 * @param {string} name
 * @returns {Promise<boolean>} false if another process has the name
 */
function listens(server, name) {
  return new Promise((resolve, reject) => {
    /** @param {NodeJS.ErrnoException} error */
    const failed = (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error));
    server.once('error', failed);
    server.listen(name, () => {
      server.off('error', failed);
      resolve(true);
    });
  });
}

/** @param {string} name */
function ended(name) {
  return new Promise((resolve) => {
    const socket = connect(name);
    // ECONNREFUSED: it ended between the two calls. The pause keeps a crowd of waiting processes from spinning.
    socket.on('error', () => {}).once('close', () => setTimeout(resolve, 20));
    socket.resume();
  });
}
