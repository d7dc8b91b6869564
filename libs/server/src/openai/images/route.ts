import { type ImageEvent, type ImageInput, InvalidInputError } from '@xim/engine';
import {
  ImageEditRequest,
  imageEditForm,
  ImageGenerationRequest,
  ImagesResponse,
  ImageStreamEvent,
} from '@xim/openai-schema';
import type { FastifyReply } from 'fastify';
import type { RoutePlugin } from '../../context.ts';
import { methodOf } from '../../engine/method-of.ts';
import { toOpenaiError } from '../../errors/openai-error.ts';
import { failures, useZodSchemas } from '../../http/schema-compilers.ts';
import { streamAnswer } from '../../http/stream-answer.ts';
import { uploads, withUpload } from '../../http/upload.ts';
import { toEngineModel } from '../../operations/served-names.ts';
import { readFields } from '../form.ts';
import { imageParamNames, refuseTooLong, toEditInput, toImageInput } from './request.ts';
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

/** `POST /v1/images/generations` and `POST /v1/images/edits`; `POST /v1/images/variations` is refused with advice. */
export const images: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;
  const config = { paramNames: imageParamNames };

  const answer = (
    reply: FastifyReply,
    events: AsyncIterable<ImageEvent>,
    route: 'image_generation' | 'image_edit',
    { input, quality, stream }: { input: ImageInput; quality: string | null | undefined; stream: boolean },
  ): Promise<ImagesResponse | FastifyReply> => {
    if (!stream) return toImagesResponse(events, input, toQuality(quality));
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
      const served = xim.resolve(body.model);
      const defaults = xim.info()?.imageDefaults;
      const input = toImageInput(body, defaults);
      refuseTooLong(input, defaults, xim.config.requestTimeoutSeconds);
      const events: AsyncIterable<ImageEvent> = xim.calls.stream(request, 1, (engine, options) =>
        methodOf(engine, 'generateImage')(input, { ...options, model: toEngineModel(served, xim) }),
      );
      return answer(reply, events, 'image_generation', { input, quality: body.quality, stream: body.stream === true });
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
          const served = xim.resolve(form.model);
          const input = toEditInput(form, upload, xim.info()?.imageDefaults);
          const events: AsyncIterable<ImageEvent> = call.stream((engine, options) =>
            methodOf(engine, 'generateImage')(input, { ...options, model: toEngineModel(served, xim) }),
          );
          return answer(reply, events, 'image_edit', { input, quality: form.quality, stream: form.stream === true });
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
