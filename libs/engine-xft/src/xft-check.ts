import type { EngineFactory, Host, ModelEntry, Profile } from '@xim/engine';
import { toPlaces, type XftOptions } from './xft-options.ts';

/** Instruction sets that the import of the library executes without a check: its wheel is built for AVX-512. */
const IMPORT_ISA = ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'];

/** On a CPU of another vendor the kernels print "Must be running on the Intel Xeon platform." and end the process. */
const VENDOR = 'GenuineIntel';

interface Kernels {
  /** Instruction sets that the kernels of a dtype execute without a check. For fp8 and w8a8 the source is the only evidence. */
  readonly needs: readonly string[];
  /** Instruction sets that the kernels prefer, best first; the last one is among the needed ones. */
  readonly uses: readonly string[];
}

/** From the disassembly of libxfastertransformer_pt.so 2.1.2: the calls of each dtype. */
export const DTYPES: Readonly<Record<string, Kernels>> = {
  bf16: { needs: ['avx512_bf16'], uses: ['amx_bf16', 'avx512_bf16'] },
  fp16: { needs: ['avx512_fp16'], uses: ['avx512_fp16'] },
  int8: { needs: ['avx512_fp16'], uses: ['avx512_fp16'] },
  int4: { needs: ['avx512_fp16'], uses: ['avx512_fp16'] },
  nf4: { needs: ['avx512f'], uses: ['avx512f'] },
  w8a8: { needs: ['amx_tile', 'amx_int8'], uses: ['amx_int8'] },
  fp8_e4m3: { needs: ['amx_tile', 'amx_bf16', 'avx512_bf16'], uses: ['amx_bf16'] },
};

/** Dtypes without loss of precision, the faster one first. Other dtypes are used only if the profile names them. */
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

/** The dtype of the profile, or the first automatic dtype with kernels on this host, or the first automatic dtype. */
function dtypeFor(profile: Profile | undefined, host: Host): string {
  const { dtype }: XftOptions = profile?.options ?? {};
  return dtype ?? AUTOMATIC.find((one) => missingFor(one, host.isa).length === 0) ?? AUTOMATIC[0]!;
}

/**
 * The chosen profile has additional options: `dtype`; `isa`, the instruction set that this dtype uses here; and `places`,
 * the CPUs and the memory node of each rank.
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
      return `Convert it: npx xim-models convert apps/<service>/models.json --from ${id} --to xft. Until then oneapi serves it.`;
    }
    return 'Mend the profile in models.json, or take the engine oneapi.';
  }
}

function toTaken(profile: Profile, dtype: string, host: Host): Profile {
  const own: XftOptions = profile.options ?? {};
  const isa = usedBy(dtype, host.isa);
  const options = { ...own, dtype, isa, places: toPlaces(own, host.cpus) };
  // `verified` refers to a dtype, and the dtype that was chosen here may differ.
  if (own.dtype !== undefined || profile.verified === undefined) return { ...profile, options };
  const { verified: _, ...rest } = profile;
  return { ...rest, options };
}
