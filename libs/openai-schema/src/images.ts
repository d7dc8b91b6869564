import { z } from 'zod';
import { booleanField, numberField, optionalField } from './form-fields.ts';

/** Longest prompt of OpenAI's API, in characters. */
const MAX_PROMPT = 32_000;

// Most fields are in JSON bodies and in forms. A form has only text, and an empty text for an absent field.
const fields = {
  prompt: z.string().min(1, 'expected a text of at least one character').max(MAX_PROMPT),
  model: optionalField(z.string()),
  n: numberField(z.int().min(1).max(10)).describe('Pictures to make. Default 1.'),
  size: optionalField(
    z.string().regex(/^(auto|[1-9]\d{0,4}x[1-9]\d{0,4})$/, 'expected "auto" or a size such as "512x512"'),
  ).describe('Width and height in pixels. Default auto: the size of the model, or of the picture to edit.'),
  quality: optionalField(z.enum(['standard', 'hd', 'low', 'medium', 'high', 'auto'])).describe(
    'low uses half of the model’s steps, high and hd twice the steps, the other values the model’s number.',
  ),
  complexity: optionalField(z.enum(['low', 'medium', 'high'])).describe('Refused: no model plans its pictures.'),
  background: optionalField(z.enum(['transparent', 'opaque', 'auto'])).describe(
    'Default auto. transparent is refused, since models make opaque pictures.',
  ),
  output_format: optionalField(z.enum(['png', 'jpeg', 'webp'])).describe('Default png.'),
  output_compression: numberField(z.int().min(0).max(100)).describe('Quality of jpeg and webp. Default 100.'),
  response_format: optionalField(z.enum(['url', 'b64_json'])).describe(
    'Default b64_json. url needs the setting of the public address; the service keeps such a picture for an hour.',
  ),
  stream: booleanField.describe('Server-sent events instead of one answer; with n: 1.'),
  partial_images: numberField(z.int().min(0).max(3)).describe('Unfinished pictures of a stream. Default 0.'),
  user: optionalField(z.string()),
  seed: numberField(
    z
      .number()
      .refine(Number.isSafeInteger, 'expected an integer that a double holds exactly')
      .meta({ type: 'integer' }),
  ).describe('An extension: the same seed and request give the same picture; picture i of several has seed + i.'),
  negative_prompt: optionalField(z.string().max(MAX_PROMPT)).describe('An extension: content to avoid.'),
  num_inference_steps: numberField(z.int().min(1).max(1000)).describe(
    'An extension: denoising steps; overrides quality.',
  ),
  guidance_scale: numberField(z.number().min(0).max(100)).describe('An extension: weight of the prompt.'),
};

type Fields = z.infer<z.ZodObject<typeof fields>>;

/** Combinations of fields that contradict each other. */
function check(request: Fields, context: z.RefinementCtx): void {
  const issue = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  if ((request.partial_images ?? 0) > 0 && request.stream !== true)
    issue('partial_images', 'only allowed with stream: true');
  if (request.stream === true && request.response_format === 'url')
    issue('response_format', 'a stream carries its pictures; expected b64_json');
  if (request.stream === true && (request.n ?? 1) > 1) issue('n', 'a stream has one picture; expected 1');
  if ((request.output_compression ?? 100) !== 100 && (request.output_format ?? 'png') === 'png')
    issue('output_compression', 'png keeps every pixel; only allowed with output_format: jpeg or webp');
}

/**
 * The body of `POST /v1/images/generations`: every field of OpenAI's API, and the extensions `seed`, `negative_prompt`,
 * `num_inference_steps` and `guidance_scale`. Unknown fields are dropped.
 */
export const ImageGenerationRequest = z
  .object({
    ...fields,
    moderation: z.enum(['low', 'auto']).nullish().describe('Accepted; the model’s own safety checker decides.'),
    style: z
      .enum(['vivid', 'natural'])
      .nullish()
      .describe('vivid, the default of OpenAI’s API, changes nothing; natural is refused: describe it in the prompt.'),
  })
  .superRefine(check)
  .meta({ id: 'ImageGenerationRequest' });
export type ImageGenerationRequest = z.infer<typeof ImageGenerationRequest>;

const edit = z.object({
  ...fields,
  input_fidelity: optionalField(z.enum(['high', 'low'])).describe('high is refused; send strength.'),
  strength: numberField(z.number().gt(0).max(1)).describe('An extension: how much the picture changes, up to 1.'),
});
/** The form of `POST /v1/images/edits` without its files: every field of OpenAI's API, from text. */
export const ImageEditRequest = edit.superRefine(check);
export type ImageEditRequest = z.infer<typeof ImageEditRequest>;

const file = (description: string) => z.custom<unknown>().meta({ type: 'string', format: 'binary', description });

/** The form with its files, for documentation. */
export const imageEditForm = edit
  .extend({
    image: file('The picture to edit: PNG, JPEG or WebP.'),
    mask: file(
      'Transparent pixels are generated again. In a mask without alpha these are the white pixels.',
    ).optional(),
  })
  .meta({ id: 'ImageEditForm' });

const tokens = z.int().nonnegative();
const ImageUsage = z
  .object({
    input_tokens: tokens,
    output_tokens: tokens,
    total_tokens: tokens,
    input_tokens_details: z.object({ text_tokens: tokens, image_tokens: tokens }),
  })
  .meta({ id: 'ImageUsage' });

const described = {
  size: z.string().describe('Width and height in pixels, such as 512x512.'),
  quality: z.enum(['low', 'medium', 'high', 'auto']),
  background: z.literal('opaque'),
  output_format: z.enum(['png', 'jpeg', 'webp']),
};

/** The answer of both routes. */
export const ImagesResponse = z
  .object({
    created: z.int().describe('Unix seconds.'),
    data: z
      .array(z.object({ b64_json: z.base64().optional(), url: z.url().optional() }))
      .describe('Each picture, in the member that response_format names.'),
    ...described,
    usage: ImageUsage,
  })
  .meta({ id: 'ImagesResponse' });
export type ImagesResponse = z.infer<typeof ImagesResponse>;

const event = { b64_json: z.base64(), created_at: z.int().describe('Unix seconds.'), ...described };

/** One event of an answer with `stream: true`. */
export const ImageStreamEvent = z
  .union([
    z.object({
      type: z.enum(['image_generation.partial_image', 'image_edit.partial_image']),
      partial_image_index: z.int().nonnegative(),
      ...event,
    }),
    z.object({ type: z.enum(['image_generation.completed', 'image_edit.completed']), usage: ImageUsage, ...event }),
  ])
  .meta({ id: 'ImageStreamEvent' });
export type ImageStreamEvent = z.infer<typeof ImageStreamEvent>;
