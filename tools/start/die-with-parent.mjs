// Preloaded into each service (`--import`): the service ends when start.mjs has ended in whatever way, kill -9 included.
// The kernel closes the channel between them then. The service itself needs to know nothing of it.
import { isMainThread } from 'node:worker_threads';

/** Time for an orderly end: nobody is left who waits for running requests. */
const GRACE_MS = 2000;

if (isMainThread && process.channel) {
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  // Listening must not keep a service alive that has nothing left to do.
  process.channel.unref();
}
