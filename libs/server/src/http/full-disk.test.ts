import type * as NodeFs from 'node:fs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { until } from '../__fixtures__/until.ts';
import { type MediaService, startMediaService } from './__fixtures__/media-service.ts';

const disk = vi.hoisted(() => ({ room: Infinity }));

// A write stream whose system calls fail as they do on a file system without room.
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof NodeFs>();
  const fail = (callback: (error: Error) => void): void => {
    callback(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' }));
  };
  type Written = (error: Error | null, bytes?: number) => void;
  const write = (fd: number, data: Buffer, offset: number, length: number, position: number, done: Written): void => {
    if ((disk.room -= length) < 0) fail(done);
    else fs.write(fd, data, offset, length, position, done);
  };
  const writev = (fd: number, data: Buffer[], position: number | null, done: Written): void => {
    if ((disk.room -= data.reduce((sum, { length }) => sum + length, 0)) < 0) fail(done);
    else fs.writev(fd, data, position ?? undefined!, done);
  };
  const createWriteStream = (path: string, options: object) =>
    fs.createWriteStream(path, { ...options, fs: { ...fs, write, writev } as never });
  return { ...fs, createWriteStream };
});

let service: MediaService;
beforeEach(async () => {
  service = await startMediaService('transcribe', { env: { XIM_SLOTS: '1' } });
});
afterEach(() => service.stop());

it('a disk that fills up is a 507 that says so; the file is deleted and the next upload has the slot', async () => {
  const send = async (): Promise<Response> => {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(3 << 20)]), 'sound.wav');
    return fetch(`${service.url}/test/form`, { method: 'POST', body: form });
  };
  disk.room = 1 << 20;
  const full = await send();
  expect([full.status, await full.json()]).toMatchObject([507, { error: { code: 'insufficient_storage' } }]);
  await until(() => service.left().length === 0, 'nothing is left in XIM_TMP');
  disk.room = Infinity;
  expect((await send()).status).toBe(200);
});
