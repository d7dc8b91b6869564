import { ModelFetchError } from '../errors.ts';
import { type ModelFiles, readObject } from './model-format.ts';

/** Names of the values of `quantization_config.quant_method` in Transformers; other values are shown as they are. */
const METHODS: Readonly<Record<string, string>> = {
  awq: 'AWQ',
  gptq: 'GPTQ',
  fp8: 'FP8',
  fbgemm_fp8: 'FP8',
  mxfp4: 'MXFP4',
};

interface Quantisation {
  readonly quant_method?: unknown;
  readonly format?: unknown;
  readonly bits?: unknown;
  readonly version?: unknown;
}

/** Formats of compressed-tensors that a conversion unpacks. */
const COMPRESSED = ['float-quantized', 'int-quantized', 'naive-quantized', 'pack-quantized'];

/** Whether a conversion unpacks the weights (dequantize.py of xim_convert). */
function isUnpacked({ quant_method: method, format, bits, version = 'gemm' }: Quantisation): boolean {
  switch (method) {
    case 'fp8':
      return true;
    case 'gptq':
      return bits === 2 || bits === 4 || bits === 8;
    case 'awq':
      return bits === 4 && String(version).toLowerCase() === 'gemm';
    case 'compressed-tensors':
      return COMPRESSED.includes(String(format));
    default:
      return false;
  }
}

/**
 * Rejects with a `ModelFetchError` for safetensors of Transformers that no program here reads: weights in a quantised
 * form that a conversion does not unpack, and a LoRA adapter, alone or beside its model. Reads only the configurations.
 */
export async function refuseUnreadable(files: ModelFiles): Promise<void> {
  const { place, names } = files;
  if (names.includes('adapter_config.json')) {
    const { base_model_name_or_path: base } = await readObject(files, 'adapter_config.json');
    const model = typeof base === 'string' && base !== '' ? base : 'BASE';
    throw new ModelFetchError(
      `${place} is a LoRA adapter of ${model} and not a whole model; merge the two with peft, and name the merged folder: ` +
        `python -c "from peft import AutoPeftModelForCausalLM as M; from transformers import AutoTokenizer as T; ` +
        `M.from_pretrained('${place}').merge_and_unload().save_pretrained('MERGED'); T.from_pretrained('${model}').save_pretrained('MERGED')"`,
    );
  }
  if (!names.some((name) => name.endsWith('.safetensors'))) return;
  const { quantization_config: own, text_config: text } = await readObject(files, 'config.json');
  // A model of several parts has the configuration of its text model inside.
  const found = own ?? (text as { quantization_config?: unknown } | null | undefined)?.quantization_config;
  if (typeof found !== 'object' || found === null) return;
  if (isUnpacked(found)) return;
  const { quant_method: method = 'an unnamed method', format, bits } = found as Quantisation;
  const kind = format ?? (typeof bits === 'number' && method !== 'bitsandbytes' ? `${bits} bits` : undefined);
  const named = `${METHODS[String(method)] ?? String(method)}${kind === undefined ? '' : ` (${String(kind)})`}`;
  throw new ModelFetchError(
    `${place} has weights that are quantised by ${named}, which cannot be read here. Use the ` +
      'floating-point model that they were made from, which --weights int8 or int4 makes small, or a GGUF file of the model',
  );
}
