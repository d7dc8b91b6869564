import { type ImageEvent, type ImageInput, InvalidInputError } from '@xim/engine';
import {
  ImageEditRequest,
  imageEditForm,
  ImageGenerationRequest,
  ImagesResponse,
  ImageStreamEvent,
} from '@xim/openai-schema';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { askedTimeoutMs } from '../../calls/call.ts';
import type { RoutePlugin } from '../../context.ts';
import { methodOf } from '../../engine/method-of.ts';
import { RouteNotFoundError } from '../../errors/errors.ts';
import { toOpenaiError } from '../../errors/openai-error.ts';
import { failures, useZodSchemas } from '../../http/schema-compilers.ts';
import { streamAnswer } from '../../http/stream-answer.ts';
import { uploads, withUpload } from '../../http/upload.ts';
import { readFields } from '../form.ts';
import { createPictureStore, type StoredPicture } from './picture-store.ts';
import { type ImageService, imageParamNames, refuseTooLong, toEditInput, toImageInput } from './request.ts';
import { createImageFrames, toImagesResponse, toQuality } from './response.ts';

const response = {
  200: {
    description: 'The pictures; with stream: true, server-sent events.',
    content: {
      'application/json': { schema: ImagesResponse },
      'text/event-stream': { schema: ImageStreamEvent },
    },
  },
  ...failures,
};

/** As long as OpenAI keeps a picture. */
const LIFETIME_MS = 60 * 60 * 1000;
const STORE_BYTES = 128 * 1024 * 1024;
const FILES = '/v1/images/files';

/**
 * `POST /v1/images/generations` and `POST /v1/images/edits`; `POST /v1/images/variations` is refused with advice. With
 * a public address also `GET /v1/images/files/:name`, for the addresses in answers.
 */
export const images: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;
  const config = { paramNames: imageParamNames };
  const { publicUrl, requestTimeoutSeconds } = xim.config;
  const store = createPictureStore({ maxBytes: STORE_BYTES, lifetimeMs: LIFETIME_MS });
  const service = (): ImageService => ({
    defaults: xim.info()?.imageDefaults,
    hasAddress: publicUrl !== undefined,
  });
  const checkTime = (input: ImageInput, request: FastifyRequest): void =>
    refuseTooLong(input, service().defaults, Math.min(requestTimeoutSeconds, askedTimeoutMs(request) / 1000));
  const publish = (pictures: readonly StoredPicture[]): string[] =>
    store.put(pictures).map((name) => `${publicUrl?.replace(/\/+$/, '')}${FILES}/${name}`);

  const answer = (
    reply: FastifyReply,
    events: AsyncIterable<ImageEvent>,
    route: 'image_generation' | 'image_edit',
    input: ImageInput,
    { quality, stream, response_format: format }: Pick<ImageEditRequest, 'quality' | 'stream' | 'response_format'>,
  ): Promise<ImagesResponse | FastifyReply> => {
    if (stream !== true)
      return toImagesResponse(events, input, toQuality(quality), format === 'url' ? publish : undefined);
    return streamAnswer(reply, events, {
      toFrames: createImageFrames(route, input, toQuality(quality)),
      toErrorFrame: (error) => {
        return {
          event: 'error',
          data: JSON.stringify({ type: 'error', ...toOpenaiError(error, imageParamNames).body }),
        };
      },
    });
  };

  app.post<{ Body: ImageGenerationRequest }>(
    '/v1/images/generations',
    {
      config,
      schema: { tags: ['images'], summary: 'Make pictures out of a text', body: ImageGenerationRequest, response },
    },
    async (request, reply) => {
      const { body } = request;
      xim.resolve(body.model);
      const input = toImageInput(body, service());
      checkTime(input, request);
      const events: AsyncIterable<ImageEvent> = xim.calls.stream(request, 1, (engine, options) =>
        methodOf(engine, 'generateImage')(input, options),
      );
      return answer(reply, events, 'image_generation', input, body);
    },
  );

  if (publicUrl !== undefined)
    app.get<{ Params: { name: string } }>(
      `${FILES}/:name`,
      // A picture's name is its key: browsers that show the picture send no other.
      { config: { open: true }, schema: { tags: ['images'], summary: 'A picture, by the address in an answer' } },
      (request, reply) => {
        const picture = store.get(request.params.name);
        if (!picture)
          throw new RouteNotFoundError('There is no such picture. A picture stays an hour, in one replica.');
        return reply
          .headers({ 'cache-control': 'private, max-age=3600', 'x-content-type-options': 'nosniff' })
          .type(picture.mediaType)
          .send(Buffer.from(picture.bytes));
      },
    );

  // A scope whose bodies are forms.
  await app.register(async (forms) => {
    await forms.register(uploads);
    forms.post(
      '/v1/images/edits',
      {
        config,
        // The handler reads the form after admission; here its schema is for the documentation.
        validatorCompiler: () => () => true,
        schema: {
          tags: ['images'],
          summary: 'Make a picture out of a picture and a text',
          consumes: ['multipart/form-data'],
          body: imageEditForm,
          response,
        },
      },
      (request, reply) =>
        withUpload(request, { lists: [] }, async (upload, call) => {
          const form = readFields(upload, ImageEditRequest);
          xim.resolve(form.model);
          const input = toEditInput(form, upload, service());
          checkTime(input, request);
          const events: AsyncIterable<ImageEvent> = call.stream((engine, options) =>
            methodOf(engine, 'generateImage')(input, options),
          );
          return answer(reply, events, 'image_edit', input, form);
        }),
    );

    forms.post('/v1/images/variations', { schema: { hide: true }, validatorCompiler: () => () => true }, () => {
      throw new InvalidInputError(
        'There are no variations. Send the picture to POST /v1/images/edits, with a prompt and a "strength".',
        { code: 'XIM_UNSUPPORTED_PARAMETER' },
      );
    });
  });
};
