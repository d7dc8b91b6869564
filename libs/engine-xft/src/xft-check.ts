import type { EngineFactory, Host, ModelEntry, Profile } from '@xim/engine';
import { toPlaces, type XftOptions } from './xft-options.ts';

/** What the library's import uses without asking (its wheel is built for AVX-512). */
const IMPORT_ISA = ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'];

/** Its kernels print "Must be running on the Intel Xeon platform." and leave on any other vendor. */
const VENDOR = 'GenuineIntel';

interface Kernels {
  /** Instruction sets that the kernels of a dtype use without asking. Those of fp8 and w8a8 are in sources only. */
  readonly needs: readonly string[];
  /** The best that they use where the host has it, first; the last is among what is needed. */
  readonly uses: readonly string[];
}

/** By the calls of each dtype in libxfastertransformer_pt.so 2.1.2, read from its disassembly. */
export const DTYPES: Readonly<Record<string, Kernels>> = {
  bf16: { needs: ['avx512_bf16'], uses: ['amx_bf16', 'avx512_bf16'] },
  fp16: { needs: ['avx512_fp16'], uses: ['avx512_fp16'] },
  int8: { needs: ['avx512_fp16'], uses: ['avx512_fp16'] },
  int4: { needs: ['avx512_fp16'], uses: ['avx512_fp16'] },
  nf4: { needs: ['avx512f'], uses: ['avx512f'] },
  w8a8: { needs: ['amx_tile', 'amx_int8'], uses: ['amx_int8'] },
  fp8_e4m3: { needs: ['amx_tile', 'amx_bf16', 'avx512_bf16'], uses: ['amx_bf16'] },
};

/** Those that keep what the weights say, the faster one first. Others are taken only where the profile names them. */
const AUTOMATIC = ['bf16', 'fp16'];

/** `bf16_int8` computes prompts in the first dtype and single tokens in the second. */
function partsOf(dtype: string): string[] {
  return dtype in DTYPES ? [dtype] : dtype.split('_');
}

function missingFor(dtype: string, isa: readonly string[]): string[] {
  return [...new Set(partsOf(dtype).flatMap((part) => DTYPES[part]!.needs))].filter((one) => !isa.includes(one));
}

function usedBy(dtype: string, isa: readonly string[]): string {
  const { uses } = DTYPES[partsOf(dtype)[0]!]!;
  return uses.find((one) => isa.includes(one)) ?? uses.at(-1)!;
}

/** The profile's dtype, or the first automatic one that the host has kernels for, or the first of all. */
function dtypeFor(profile: Profile | undefined, host: Host): string {
  const { dtype }: XftOptions = profile?.options ?? {};
  return dtype ?? AUTOMATIC.find((one) => missingFor(one, host.isa).length === 0) ?? AUTOMATIC[0]!;
}

/**
 * The profile that is taken has in its options, beside its own, `dtype` and `isa` (what that dtype uses here), and
 * `places`, the CPUs and the memory node of each rank.
 */
export const checkXft: EngineFactory['check'] = (host, model, handler) => {
  const profiles = model.profiles.filter(({ engine }) => engine === 'xft');
  const judged = (profiles.length > 0 ? profiles : [undefined]).map((profile) => judge(host, model, profile, handler));
  const fitting = judged.find(({ missing }) => missing.length === 0);
  if (fitting !== undefined) return toTaken(fitting.profile!, fitting.dtype, host);
  const { missing, advice } = judged.toSorted((a, b) => a.missing.length - b.missing.length)[0]!;
  return { missing, advice };
};

function judge(host: Host, { id, task }: ModelEntry, profile: Profile | undefined, handler: string | undefined) {
  const dtype = dtypeFor(profile, host);
  const known = partsOf(dtype).every((part) => part in DTYPES);
  const found = host.isa.filter((isa) => /^(avx|amx)/.test(isa)).join(', ') || 'none of AVX or AMX';
  const sets = known ? [...IMPORT_ISA, ...(profile?.isa ?? [])].filter((isa) => !host.isa.includes(isa)) : [];
  const kernels = known ? missingFor(dtype, host.isa) : [];
  const isHandled = handler !== undefined || task === 'generate';
  const places = profile === undefined ? [] : toPlaces(profile.options ?? {}, host.cpus);
  const cpu = [
    ...(host.vendor === VENDOR ? [] : [`a CPU of the vendor ${VENDOR} (found: ${host.vendor || 'unknown'})`]),
    ...[...new Set(sets)].map((isa) => `${isa} (found: ${found})`),
    ...kernels.filter((isa) => !sets.includes(isa)).map((isa) => `${isa} for the dtype ${dtype} (found: ${found})`),
  ];
  const missing = [
    ...cpu,
    ...(isHandled ? [] : [`a handler for the task ${task} (has: generate)`]),
    ...(profile === undefined ? [`a profile of ${id} for the engine "xft"`] : []),
    ...(known ? [] : [`the dtype ${dtype} (has: ${Object.keys(DTYPES).join(', ')} and pairs of them)`]),
    ...(typeof places === 'string' ? [places] : []),
  ];
  return { profile, dtype, missing, advice: toAdvice() };

  function toAdvice(): string {
    if (cpu.length > 0) {
      return (
        'xFasterTransformer runs on Intel Xeon from the 4th generation (Sapphire Rapids) on; here the engine oneapi ' +
        'serves the same model.'
      );
    }
    if (profile === undefined) {
      return `Convert ${id} with the converters of xFasterTransformer (README of @xim/engine-xft). Until then oneapi serves it.`;
    }
    return 'Mend the profile in models.json, or take the engine oneapi.';
  }
}

function toTaken(profile: Profile, dtype: string, host: Host): Profile {
  const own: XftOptions = profile.options ?? {};
  const isa = usedBy(dtype, host.isa);
  const options = { ...own, dtype, isa, places: toPlaces(own, host.cpus) };
  // What was verified is a dtype; one that was chosen here may be another.
  if (own.dtype !== undefined || profile.verified === undefined) return { ...profile, options };
  const { verified: _, ...rest } = profile;
  return { ...rest, options };
}
