import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';

/** As long as a chunk of chat. */
const CHUNK = `data: ${'x'.repeat(250)}\n\n`;

/**
 * Microseconds of CPU that a bare HTTP server of Node pays for one write of one token to one of `streams` clients, at
 * `stepsPerSecond` rounds per second: the floor under any host here. The clients live in this process too; they read
 * between the rounds, outside the counted time.
 */
export async function writeCost(streams: number, stepsPerSecond: number, steps: number): Promise<number> {
  const answers: ServerResponse[] = [];
  const server = createServer((_request, answer) => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    answers.push(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const sockets = Array.from({ length: streams }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nhost: bench\r\n\r\n');
    return socket.resume();
  });
  while (answers.length < streams) await pause(10);
  let written = 0;
  for (let step = 0; step < steps; step++) {
    const before = process.cpuUsage();
    for (const answer of answers) answer.write(CHUNK);
    // Corked writes leave at the next tick; the clients read only in the next turn of the event loop.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const { user, system } = process.cpuUsage(before);
    written += user + system;
    await pause(1000 / stepsPerSecond);
  }
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return written / (steps * streams);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
