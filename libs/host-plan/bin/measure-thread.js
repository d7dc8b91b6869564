// A thread of the measurement: reads memory, then counts cycles; sends both rates. Plain JavaScript, since a thread starts
// from a file, in a clone and in the published package alike.
import { parentPort, workerData } from 'node:worker_threads';

const { bytes, span } = workerData;

/** Bytes of one timing: short enough to end before another program gets the core. */
const SLICE = 2 ** 21;

/**
 * Bytes per second that `memcmp` reads from two equal buffers, slice after slice, so that no cache of a core holds them.
 * The ninth of ten rates: slices in which something else ran are slower, and the few that lay in a cache are faster.
 */
function readMemory() {
  const one = Buffer.alloc(bytes, 1);
  const other = Buffer.alloc(bytes, 1);
  const rates = [];
  const end = performance.now() + span;
  for (let at = 0; performance.now() < end; at = at + 2 * SLICE > bytes ? 0 : at + SLICE) {
    const [left, right] = [one.subarray(at, at + SLICE), other.subarray(at, at + SLICE)];
    const start = performance.now();
    if (Buffer.compare(left, right) !== 0) throw new Error('equal buffers differ');
    rates.push((left.length + right.length) / ((performance.now() - start) / 1000));
  }
  rates.sort((a, b) => a - b);
  return rates[Math.floor(rates.length * 0.9)];
}

/**
 * Cycles per second: a chain of multiplications of which each needs the one before takes 3 cycles each, on every core
 * since Nehalem and Zen (instruction tables of Agner Fog, IMUL r32).
 */
function countCycles() {
  let best = 0;
  let value = 3;
  const end = performance.now() + span;
  while (performance.now() < end) {
    const start = performance.now();
    value = chain(value, ROUNDS);
    best = Math.max(best, (ROUNDS * 16 * 3) / ((performance.now() - start) / 1000));
  }
  if (value === 0) throw new Error('a product of odd numbers is zero');
  return best;
}

const ROUNDS = 200_000;

function chain(start, rounds) {
  let x = start | 1;
  for (let round = 0; round < rounds; round++) {
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
  }
  return x;
}

parentPort.postMessage({ bytesPerSecond: readMemory(), hertz: countCycles() });
