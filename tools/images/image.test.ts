import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readImage, toBase } from './image.ts';
import { overBudget, readBudget } from './image-size.ts';

it('a folder is an image by its name alone', () => {
  expect(readImage('apps/chat')).toMatchObject({
    kind: 'app',
    name: 'chat',
    local: 'opea-xim/chat',
    byPath: 'apps-chat',
  });
  expect(readImage('xim/oneapi/')).toMatchObject({
    kind: 'engine',
    name: 'xim-oneapi',
    local: 'xim-oneapi',
    byPath: 'xim-oneapi',
  });
});

it.each(['apps/cha', 'apps/chat/src', 'chat', 'libs/server', '', undefined])('%j is no image', (folder) => {
  expect(() => readImage(folder)).toThrow(/is no folder of an image; expected apps\/<app> or xim\/<engine>/);
});

it.each([
  ['ARG ENGINE_IMAGE=xim-oneapi\nFROM ${ENGINE_IMAGE}', { arg: 'ENGINE_IMAGE', name: 'xim-oneapi' }],
  ['ARG BASE="xim-xft"\nFROM $BASE', { arg: 'BASE', name: 'xim-xft' }],
  ['ARG BASE_IMAGE=node:24-bookworm-slim\nFROM ${BASE_IMAGE}', undefined],
  ['FROM xim-oneapi', undefined],
])('the base of %j', (dockerfile, base) => {
  expect(toBase(dockerfile)).toEqual(base);
});

it('a size beyond its limit is told with both numbers', () => {
  expect(overBudget({ unpackedMB: 5, pulledMB: 4 }, { unpackedMB: 5, pulledMB: 5 })).toEqual([]);
  expect(overBudget({ unpackedMB: 5.04, pulledMB: 6 }, { pulledMB: 5 })).toEqual(['pulledMB is 6.0, the limit 5']);
  expect(overBudget({ unpackedMB: 600 }, { unpackedMB: 550, pulledMB: 170 })).toEqual([
    'unpackedMB is 600.0, the limit 550',
  ]);
});

it('a service may say itself how large it gets, as one with wheels of its own must', () => {
  const root = mkdtempSync(join(tmpdir(), 'xim-budget-'));
  const put = (folder: string, content: object) => {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, 'package.json'), JSON.stringify(content));
  };
  put('apps/chat', {});
  put('apps/voice', { imageBudget: { unpackedMB: 90 } });
  put('xim/toy', {});
  try {
    expect(readBudget({ folder: 'apps/chat', kind: 'app' }, root)).toEqual({ unpackedMB: 7, pulledMB: 5 });
    expect(readBudget({ folder: 'apps/voice', kind: 'app' }, root)).toEqual({ unpackedMB: 90 });
    expect(readBudget({ folder: 'xim/toy', kind: 'engine' }, root)).toEqual({});
  } finally {
    rmSync(root, { recursive: true });
  }
});
