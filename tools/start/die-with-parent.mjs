// Preloaded into each service (`--import`): the service ends after any end of start.mjs, kill -9 included, since the
// kernel then closes the channel between them. The code of the service does not depend on it.
import { isMainThread } from 'node:worker_threads';

/** Time for an orderly end. Running requests do not matter, since their service loses its terminal. */
const GRACE_MS = 2000;

if (isMainThread && process.channel) {
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  // Listening must not keep a service alive that has nothing left to do.
  process.channel.unref();
}
