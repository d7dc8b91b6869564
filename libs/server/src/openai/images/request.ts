import { type EngineInfo, type ImageInput, InvalidInputError } from '@xim/engine';
import type { ImageEditRequest, ImageGenerationRequest } from '@xim/openai-schema';
import { estimateSeconds } from '../../engine/picture-time.ts';
import { refusal } from '../../errors/errors.ts';
import type { Upload } from '../../http/upload.ts';
import { readFile } from '../form.ts';

/** Names of the task's input → names of the request, for the errors of an engine. */
export const imageParamNames = {
  count: 'n',
  width: 'size',
  height: 'size',
  steps: 'num_inference_steps',
  guidance: 'guidance_scale',
  negativePrompt: 'negative_prompt',
  format: 'output_format',
  partials: 'partial_images',
} as const;

type Common = Omit<ImageEditRequest, 'input_fidelity' | 'strength'>;
/** The parts of the service that a request depends on. */
export interface ImageService {
  readonly defaults: EngineInfo['imageDefaults'];
  /** Whether the service has a public address, so that pictures can have one. */
  readonly hasAddress: boolean;
}

/** Throws InvalidInputError for a field that would change the picture and has no support. */
export function toImageInput(request: ImageGenerationRequest, service: ImageService): ImageInput {
  if (request.style === 'natural') throw unsupported('style', 'Describe the style in the prompt');
  return toCommon(request, service);
}

/** The same for an edit, with the paths of its files. */
export function toEditInput(request: ImageEditRequest, upload: Upload, service: ImageService): ImageInput {
  if (request.input_fidelity === 'high') throw unsupported('input_fidelity', 'Send a small "strength" instead');
  if (upload.files.some(({ field }) => field === 'markup'))
    throw refusal('markup', 'A "markup" is not supported', 'Describe the change in the prompt, or send a "mask"');
  const mask = readPicture(upload, 'mask');
  return {
    ...toCommon(request, service),
    image: { path: readPicture(upload, 'image') ?? missing() },
    ...(mask !== undefined && { mask: { path: mask } }),
    ...(request.strength != null && { strength: request.strength }),
  };
}

function toCommon(request: Common, { defaults, hasAddress }: ImageService): ImageInput {
  if (request.response_format === 'url' && !hasAddress)
    throw unsupported('response_format', 'Ask for "b64_json"; addresses need XIM_PUBLIC_URL, which the operator sets');
  if (request.complexity != null) throw unsupported('complexity', 'Ask for more "num_inference_steps" instead');
  if (request.background === 'transparent') throw unsupported('background', 'The model makes opaque pictures');
  const size = /^(\d+)x(\d+)$/.exec(request.size ?? '');
  const steps = request.num_inference_steps ?? toSteps(request.quality, defaults);
  return {
    prompt: request.prompt,
    format: request.output_format ?? 'png',
    count: request.n ?? 1,
    ...(size && { width: Number(size[1]), height: Number(size[2]) }),
    ...(steps !== undefined && { steps }),
    ...(request.output_compression != null && { quality: request.output_compression }),
    ...(request.negative_prompt && { negativePrompt: request.negative_prompt }),
    ...(request.guidance_scale != null && { guidance: request.guidance_scale }),
    ...(request.seed != null && { seed: request.seed }),
    ...(request.partial_images && { partials: request.partial_images }),
  };
}

/** `quality` → denoising steps; undefined: the model's own number. */
function toSteps(quality: Common['quality'], defaults: ImageService['defaults']): number | undefined {
  if (!defaults) return undefined;
  if (quality === 'low') return Math.max(1, Math.floor(defaults.steps / 2));
  if (quality === 'high' || quality === 'hd') return defaults.steps * 2;
  return undefined;
}

/** Throws InvalidInputError for a request that cannot end before its deadline. */
export function refuseTooLong(input: ImageInput, defaults: ImageService['defaults'], timeoutSeconds: number): void {
  if (!defaults) return;
  const seconds = estimateSeconds(input, defaults);
  if (seconds === undefined || seconds <= timeoutSeconds) return;
  throw new InvalidInputError(
    `This request takes about ${Math.ceil(seconds)} s on this host, and its deadline is ${timeoutSeconds} s. Ask for ` +
      'fewer pictures ("n"), a smaller "size" or fewer "num_inference_steps", or raise XIM_REQUEST_TIMEOUT_SECONDS.',
    { param: (input.count ?? 1) > 1 ? 'count' : isLarger(input, defaults) ? 'width' : 'steps' },
  );
}

function isLarger({ width, height }: ImageInput, defaults: NonNullable<ImageService['defaults']>): boolean {
  return (width ?? defaults.width) * (height ?? defaults.height) > defaults.width * defaults.height;
}

function readPicture(upload: Upload, field: 'image' | 'mask'): string | undefined {
  return readFile(upload, { field, noun: 'picture' });
}

function missing(): never {
  throw new InvalidInputError('There is no picture. Send one as the file "image".', { param: 'image' });
}

function unsupported(param: string, advice: string): InvalidInputError {
  return refusal(param, `The value of "${param}" is not supported`, `${advice}, or leave the field out`);
}
