import { type Host, isRefusal, type ModelEntry, type Profile } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { DTYPES } from './xft-check.ts';
import { TASKS, xft } from './xft-engine.ts';
import type { XftOptions } from './xft-options.ts';

const ICE_LAKE = ['avx2', 'avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl', 'avx512_vnni'];
const COOPER_LAKE = [...ICE_LAKE, 'avx512_bf16'];
const SAPPHIRE_RAPIDS = [...COOPER_LAKE, 'avx512_fp16', 'amx_bf16', 'amx_tile', 'amx_int8'];

const hostWith = (isa: readonly string[], more: Partial<Host> = {}): Host => ({
  vendor: 'GenuineIntel',
  cpuModel: '',
  isa,
  cpus: [],
  memoryBytes: 2 ** 36,
  availableMemoryBytes: 2 ** 36,
  ...more,
});
const modelWith = (...profiles: Profile[]): ModelEntry => ({
  id: 'org/model',
  task: 'generate',
  licence: 'MIT',
  created: 1,
  artifacts: {},
  profiles,
  shape: {},
});
const profile = (options: XftOptions = {}, more: Partial<Profile> = {}): Profile => ({
  engine: 'xft',
  artifact: 'xft-fp16',
  isa: [],
  options: { ...options },
  ...more,
});
const missing = (isa: readonly string[], dtype: string, more: Partial<Host> = {}) => {
  const outcome = xft.check(hostWith(isa, more), modelWith(profile({ dtype })));
  return isRefusal(outcome) ? outcome.missing.map((each) => each.split(' (')[0]) : [];
};

describe('xft: the check before the import', () => {
  it.each([
    ['bf16', ICE_LAKE, ['avx512_bf16 for the dtype bf16']],
    ['bf16', COOPER_LAKE, []],
    ['fp16', COOPER_LAKE, ['avx512_fp16 for the dtype fp16']],
    ['int8', COOPER_LAKE, ['avx512_fp16 for the dtype int8']],
    ['int4', COOPER_LAKE, ['avx512_fp16 for the dtype int4']],
    ['nf4', ICE_LAKE, []],
    ['nf4', ['avx2'], ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl']],
    ['w8a8', COOPER_LAKE, ['amx_tile for the dtype w8a8', 'amx_int8 for the dtype w8a8']],
    ['fp8_e4m3', COOPER_LAKE, ['amx_tile for the dtype fp8_e4m3', 'amx_bf16 for the dtype fp8_e4m3']],
    ['bf16_int8', COOPER_LAKE, ['avx512_fp16 for the dtype bf16_int8']],
    ['bf17', SAPPHIRE_RAPIDS, ['the dtype bf17']],
  ])('%s', (dtype, isa, expected) => {
    expect(missing(isa, dtype)).toEqual(expected);
  });

  it('every dtype of the table runs on a Sapphire Rapids', () => {
    for (const dtype of Object.keys(DTYPES)) expect(missing(SAPPHIRE_RAPIDS, dtype)).toEqual([]);
  });

  it('lists everything that is missing, and says what serves instead', () => {
    const amd = hostWith(['avx2'], { vendor: 'AuthenticAMD' });
    const outcome = xft.check(amd, { ...modelWith(), task: 'embed' });
    expect(outcome).toMatchObject({
      missing: [
        'a CPU of the vendor GenuineIntel (found: AuthenticAMD)',
        ...['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'].map((isa) => `${isa} (found: avx2)`),
        'avx512_bf16 for the dtype bf16 (found: avx2)',
        'a handler for the task embed (has: generate)',
        'a profile of org/model for the engine "xft"',
      ],
      advice: expect.stringMatching(/4th generation.*oneapi/),
    });
    expect(isRefusal(xft.check(hostWith(SAPPHIRE_RAPIDS, { vendor: 'AuthenticAMD' }), modelWith(profile())))).toBe(
      true,
    );
  });

  it('of a model that was not converted names the place of the command', () => {
    expect(xft.check(hostWith(SAPPHIRE_RAPIDS), modelWith())).toMatchObject({
      missing: ['a profile of org/model for the engine "xft"'],
      advice: expect.stringContaining('npx xim-models convert apps/<service>/models.json --from org/model --to xft'),
    });
  });

  it.each([
    [SAPPHIRE_RAPIDS, 'bf16', 'amx_bf16'],
    [COOPER_LAKE, 'bf16', 'avx512_bf16'],
    [[...ICE_LAKE, 'avx512_fp16'], 'fp16', 'avx512_fp16'],
  ])('takes the dtype by the flags, and says what it uses', (isa, dtype, used) => {
    expect(xft.check(hostWith(isa), modelWith(profile()))).toMatchObject({ options: { dtype, isa: used } });
  });

  it('never loses precision by itself: an Ice Lake is refused, unless the profile asks for nf4', () => {
    expect(xft.check(hostWith(ICE_LAKE), modelWith(profile()))).toHaveProperty('missing');
    expect(xft.check(hostWith(ICE_LAKE), modelWith(profile({ dtype: 'nf4' })))).toMatchObject({
      options: { dtype: 'nf4', isa: 'avx512f' },
    });
  });

  it('takes the first profile that fits; what was verified counts for its dtype only', () => {
    const verified = ['amx_bf16'];
    const model = modelWith(profile({ dtype: 'fp16' }), profile({ dtype: 'bf16' }, { verified }));
    expect(xft.check(hostWith(COOPER_LAKE), model)).toMatchObject({ options: { dtype: 'bf16' }, verified });
    const open = xft.check(hostWith(SAPPHIRE_RAPIDS), modelWith(profile({}, { verified })));
    expect(open).not.toHaveProperty('verified');
  });

  it('takes the tasks that package.json promises', () => {
    expect(packageJson.xim.tasks).toEqual(TASKS);
  });
});
