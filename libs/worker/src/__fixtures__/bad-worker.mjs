// A worker in plain JavaScript, written from the protocol's page alone. `node bad-worker.mjs MODE` misbehaves as MODE
// says; `good` does not. It generates the words of its prompt and embeds every text as the vector [0.6, 0.8].
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { connect } from 'node:net';

const mode = process.argv[2];
const socket = mode === 'never-connects' ? undefined : connect(process.env.XIM_WORKER_SOCKET);
socket?.on('end', () => process.exit(1));

function send(header, body = Buffer.alloc(0), claimed = body.length) {
  const encoded = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(encoded.length, 0);
  lengths.writeUInt32LE(claimed, 4);
  socket.write(Buffer.concat([lengths, encoded, body]));
}
const event = (id, ...events) => send({ type: 'events', events: events.map((each) => [id, each]) });
const die = (code) => (console.error('last words'), process.exit(code));
const hello = {
  type: 'hello',
  protocol: mode === 'other-protocol' ? 2 : 1,
  rank: mode === 'other-rank' ? 5 : 0,
  pid: process.pid,
};
const info = {
  runtime: { name: 'node', version: process.version, isa: 'none' },
  models: ['bad'],
  dtype: 'none',
  slots: 1,
};

// What goes wrong at which moment; a mode that is not named at a moment behaves well there.
const atStart = {
  'never-connects': () => setInterval(() => undefined, 1000),
  'dies-at-start': () => die(3),
  'never-says-hello': () => undefined,
  'text-for-hello': () => socket.write('HTTP/1.1 200 OK\r\n\r\n'),
  'hello-twice': () => (send(hello), send(hello)),
};
const atLoad = {
  'dies-loading': () => die(4),
  'fails-for-good': () => send({ type: 'failed', message: 'the file is broken', permanent: true }),
  'fails-this-time': () => send({ type: 'failed', message: 'the port is taken', permanent: false }),
  'fails-but-is-ready': () => (atLoad['fails-for-good'](), send({ type: 'ready', info })),
  'never-ready': () => undefined,
  'ready-when-stopped': () => send({ type: 'progress', step: 'waiting for the stop' }),
};
const inCall = {
  'exits-with-7': () => die(7),
  'exits-with-0': () => process.exit(0),
  'is-killed': () => process.kill(process.pid, 'SIGSEGV'),
  'closes-socket': () => (socket.removeAllListeners('end'), socket.destroy(), setInterval(() => undefined, 1000)),
  'writes-garbage': () => socket.write(Buffer.alloc(4096, 0xa5)),
  'giant-header': () => socket.write(Buffer.from([255, 255, 255, 127, 0, 0, 0, 0])),
  'giant-body': () => send({ type: 'events', events: [] }, Buffer.alloc(0), 2 ** 31),
  'no-json': () => send('{"type": "events"'),
  'no-events': () => send({ type: 'events' }),
  'bytes-out-of-body': () =>
    send({ type: 'events', events: [[1, { type: 'x', b: { $body: [0, 9] } }]] }, Buffer.alloc(1)),
  // Native code that never comes back; the listener keeps SIGTERM from ending the process.
  hangs: () => {
    process.on('SIGTERM', () => 0);
    writeSync(2, 'hanging\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  'leaves-children': () => {
    const outlive = { stdio: 'inherit', detached: false };
    console.error(
      'children',
      spawn('sleep', ['1000'], outlive).pid,
      spawn('sleep', ['1000'], { ...outlive, stdio: 'ignore' }).pid,
    );
    setTimeout(() => process.exit(9), 100);
  },
};

function flood() {
  for (let line = 0; line < 20_000; line++) writeSync(2, `${line} ${'x'.repeat(1000)}\n`);
  for (let part = 0; part < 20; part++) writeAll(Buffer.alloc(1 << 20, 'y'));
  writeSync(2, '\nthe very last line\n');
}

function writeAll(data) {
  for (let at = 0; at < data.length;) at += writeSync(2, data, at);
}

function onCall({ id, task, input }) {
  if (inCall[mode]) return inCall[mode]();
  if (mode === 'floods-its-log') flood();
  if (mode === 'says-more-than-asked') {
    event(99, { type: 'start', inputTokens: 1 });
    send({ type: 'gossip' });
    event(id, { type: 'weather', sunny: true });
  }
  if (task === 'embed') {
    const row = Buffer.from(new Float32Array([0.6, 0.8]).buffer);
    const vectors = Buffer.concat(input.items.map(() => row));
    // One byte before the vectors, so that they do not begin on a multiple of four.
    const result = {
      type: 'result',
      vectors: { $body: [1, vectors.length] },
      dimensions: 2,
      inputTokens: input.items.length,
    };
    return send({ type: 'events', events: [[id, result]] }, Buffer.concat([Buffer.alloc(1), vectors]));
  }
  const words = input.prompt.text.split(' ');
  if (words[0] === 'refuse')
    return event(id, { type: 'error', code: 'XIM_INVALID_INPUT', message: 'not that', param: 'prompt' });
  if (words[0] === 'fail') return event(id, { type: 'error', code: 'XIM_ENGINE_REQUEST', message: 'that went wrong' });
  event(id, { type: 'start', inputTokens: words.length });
  for (const text of words) event(id, { type: 'text-delta', choice: 0, text, tokens: 1 });
  const usage = { inputTokens: words.length, outputTokens: words.length };
  event(id, { type: 'choice-end', choice: 0, reason: 'stop' }, { type: 'end', usage });
  if (mode === 'says-more-than-asked') event(id, { type: 'text-delta', choice: 0, text: 'after the end', tokens: 1 });
}

const onFrame = {
  load: () => (atLoad[mode] ?? (() => send({ type: 'ready', info })))(),
  call: onCall,
  stop: () =>
    mode === 'ready-when-stopped' ? send({ type: 'ready', info }) : mode === 'ignores-stop' || process.exit(0),
};
let received = Buffer.alloc(0);
socket?.on('data', (chunk) => {
  received = Buffer.concat([received, chunk]);
  while (received.length >= 8) {
    const headerEnd = 8 + received.readUInt32LE(0);
    const end = headerEnd + received.readUInt32LE(4);
    if (received.length < end) return;
    const header = JSON.parse(received.toString('utf8', 8, headerEnd));
    received = received.subarray(end);
    onFrame[header.type]?.(header);
  }
});
(atStart[mode] ?? (() => send(hello)))();
