import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { childEnvironment as ofModelCache } from '../../libs/model-cache/src/sources/child-environment.ts';
import { childEnvironment } from './child-environment.mjs';

const OWN = { LC_ALL: 'C.UTF-8', LANG: 'C.UTF-8', NO_COLOR: '1', TERM: 'dumb' };
const NEEDED = {
  ...{ PATH: '/bin', HOME: '/home/me', TMPDIR: '/t', XDG_CACHE_HOME: '/c', PYENV_ROOT: '/p', LD_LIBRARY_PATH: '/l' },
  ...{ https_proxy: 'http://p', NO_PROXY: 'a', SSL_CERT_FILE: '/ca', NODE_EXTRA_CA_CERTS: '/ca' },
  ...{ PIP_INDEX_URL: 'https://i', PIP_FIND_LINKS: '/w', PIP_CERT: '/ca', PIP_CONFIG_FILE: '/dev/null' },
  ...{ npm_config_registry: 'https://r', NPM_CONFIG_USERCONFIG: '/rc', 'npm_config_//r/:_authToken': 'x' },
};
const HARMFUL = {
  ...{ FORCE_COLOR: '1', CLICOLOR_FORCE: '1', LC_MESSAGES: 'de', LANGUAGE: 'ja', COLUMNS: '20' },
  ...{ PIP_QUIET: '3', PIP_TARGET: '/x', PIP_REPORT: 'r', PIP_USER: '1', PIP_REQUIRE_VIRTUALENV: '1' },
  ...{ npm_config_json: 'true', npm_config_loglevel: 'silly', npm_config_color: 'always', npm_config_dry_run: 'true' },
  ...{ PYTHONPATH: '/x', PYTHONHOME: '/x', NODE_OPTIONS: '--trace-warnings', GIT_DIR: '/x', NX_TUI: 'true' },
};

it.each([
  ['of the set-up', childEnvironment],
  ['of the model cache', ofModelCache],
])('the environment %s keeps what a program needs, and nothing that changes its output', (_, make) => {
  expect(make({ ...NEEDED, ...HARMFUL, LC_ALL: 'tr_TR', TERM: 'xterm' })).toEqual({ ...NEEDED, ...OWN });
  expect(make({ UV_INDEX: 'x', PIP_USER: '1' }, { PIP_USER: '0', PIP_CERT: undefined }, /^UV_/)).toEqual({
    ...OWN,
    ...{ UV_INDEX: 'x', PIP_USER: '0' },
  });
});

it('both are the same', () => {
  for (const name of [...Object.keys({ ...NEEDED, ...HARMFUL }), ...Object.keys(process.env)])
    expect([name, ofModelCache({ [name]: 'x' })]).toEqual([name, childEnvironment({ [name]: 'x' })]);
});

it('pip lists its packages as JSON whatever the user’s environment is', () => {
  const env = { ...process.env, ...HARMFUL, LC_ALL: 'tr_TR.ISO-8859-9' };
  const args = ['-m', 'pip', 'list', '--format=json', '--disable-pip-version-check'];
  const { stdout, stderr } = spawnSync('python3', args, { env: childEnvironment(env), encoding: 'utf8' });
  expect(JSON.parse(stdout), stderr).toContainEqual(expect.objectContaining({ name: 'pip' }));
});
