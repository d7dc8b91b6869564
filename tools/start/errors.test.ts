import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { toSetupError } from './errors.mjs';

/** Output of npm 11 and pip 23 at each of these faults. */
const recorded = (name: string) => readFileSync(new URL(`__fixtures__/${name}.txt`, import.meta.url), 'utf8');

const step = {
  doing: 'installing things',
  from: 'the index',
  folder: tmpdir(),
  needs: 500 * 2 ** 20,
  log: '/clone/.xim/setup.log',
  python: '3.11.7',
};

it.each([
  ['npm-refused', /^Installing things failed: the index could not be reached\. Check the network .* start again/],
  ['npm-dns', /the index could not be reached/],
  ['npm-not-cached', /the index could not be reached/],
  ['npm-certificate', /the certificate of the index is not trusted here.*NODE_EXTRA_CA_CERTS/],
  ['pip-refused', /the index could not be reached/],
  ['pip-dns', /the index could not be reached/],
  ['pip-certificate', /the certificate of the index is not trusted here.*PIP_CERT/],
  ['pip-hash', /a file from the index is not the one that the lock file names/],
  ['pip-no-wheel', /the index has no wheel of nvidia-ml-py==99\.0 for Python 3\.11\.7.*XIM_PYTHON/],
  ['pip-full-disk', /the disk of .* is full\. It needs about 500 MB; free some space and start again\.$/],
  ['venv-full-disk', /the disk of .* is full\. It needs about 500 MB/],
])('%s becomes a sentence', (name, sentence) => {
  const { message } = toSetupError({ ...step, output: recorded(name) });
  expect(message).toMatch(sentence);
  expect(message).not.toContain('\n');
});

it.each(['npm-not-cached', 'pip-no-index'])('%s, with the network forbidden, names what forbids it', (name) => {
  expect(toSetupError({ ...step, output: recorded(name), offline: true }).message).toMatch(/XIM_OFFLINE=1 forbids/);
});

it('a full disk names the folder if that is the full one', () => {
  const { message } = toSetupError({ ...step, output: 'ENOSPC', needs: 2 ** 60 });
  expect(message).toContain(`the disk of ${tmpdir()} is full`);
});

it('a folder that cannot be written is named', () => {
  const output = "Error: EACCES: permission denied, mkdir '/clone/.venv'";
  expect(toSetupError({ ...step, output }).message).toContain(`${tmpdir()} cannot be written`);
});

it('what nobody foresaw is told in the last words of the tool, with the place of all of them', () => {
  const output = 'Collecting numpy\nERROR: Invalid requirement: ==\n\nnotice: a new pip\n';
  expect(toSetupError({ ...step, output }).message).toBe(
    'Installing things failed: ERROR: Invalid requirement: ==. The whole output is in /clone/.xim/setup.log.',
  );
});
