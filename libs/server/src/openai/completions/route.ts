import type { CallOptions, Engine, GenerateEvent, GenerateInput, Prompt } from '@xim/engine';
import { Completion, CompletionChunk, CompletionRequest } from '@xim/openai-schema';
import type { RoutePlugin } from '../../context.ts';
import { methodOf } from '../../engine/method-of.ts';
import { toOpenaiError } from '../../errors/openai-error.ts';
import { withDefaultSampling } from '../../generate/default-sampling.ts';
import { joinGenerated } from '../../generate/join.ts';
import { atPrompt, mergeGenerate } from '../../generate/merge.ts';
import { failures, useZodSchemas } from '../../http/schema-compilers.ts';
import { streamAnswer } from '../../http/stream-answer.ts';
import { createAnswerHead, toFingerprint } from '../answer-head.ts';
import { createRunningUsage } from '../running-usage.ts';
import { refuseExtensions } from '../extensions.ts';
import { toAskedFormat, withFormatPlace } from '../output-format.ts';
import { toCompletionChunk, toCompletionChunkShape } from './chunk.ts';
import { completionParamNames, toBestOf, toCompletionInputs, toPromptAlone } from './request.ts';
import { type TextPlace, toCompletion } from './response.ts';

const schema = {
  tags: ['completions'],
  summary: 'Continue texts, at once or as a stream of chunks',
  body: CompletionRequest,
  response: {
    200: {
      description: 'The texts; with stream: true, server-sent events that end with [DONE].',
      content: {
        'application/json': { schema: Completion },
        'text/event-stream': { schema: CompletionChunk },
      },
    },
    ...failures,
  },
};

/** `POST /v1/completions`. */
export const completions: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;

  app.post<{ Body: CompletionRequest }>(
    '/v1/completions',
    {
      schema,
      config: { paramNames: completionParamNames, tokens: true },
      preValidation: refuseExtensions('completions'),
    },
    async (request, reply) => {
      const { body } = request;
      const served = xim.resolve(body.model);
      const inputs = toCompletionInputs(body);
      const bestOf = toBestOf(body);
      const places = inputs.flatMap(() => Array.from({ length: bestOf }, (): TextPlace => ({ offset: 0 })));
      const head = createAnswerHead('cmpl', served.id, toFingerprint(xim.model, xim.info()));

      // One call for all prompts: they are admitted together, and so refused or cancelled together. Those that find no
      // free slot wait in the engine.
      const generated = xim.calls.stream(request, places.length, (engine, options) =>
        generateAll(
          engine,
          options,
          inputs.map((input) => withDefaultSampling(input, xim.sampling())),
          places,
        ),
      );
      const named = withFormatPlace(generated, toAskedFormat(body));
      const events = body.max_tokens === 0 ? toPromptAlone(named) : named;

      if (body.stream !== true) {
        const joined = await joinGenerated(events, places.length, { reasoningIsText: true });
        return toCompletion({ head, bestOf, n: body.n ?? 1, places, logprobs: body.logprobs != null }, joined);
      }
      const shape = toCompletionChunkShape(head, places, body.stream_options?.include_usage === true);
      const withUsage = createRunningUsage(body.stream_options);
      return streamAnswer(reply, events, {
        toFrames: (event) => withUsage(event, toCompletionChunk(shape, event)),
        toErrorFrame: (error) => JSON.stringify(toOpenaiError(error, completionParamNames).body),
        done: '[DONE]',
      });
    },
  );
};

function generateAll(
  engine: Engine,
  options: CallOptions,
  inputs: readonly GenerateInput[],
  places: readonly TextPlace[],
): AsyncIterable<GenerateEvent> {
  const open = methodOf(engine, 'generate');
  const first = inputs[0]!;
  const events = () => (inputs.length === 1 ? open(first, options) : mergeGenerate(inputs, options, open));
  const needsPlaces = first.logprobs !== undefined && first.echo !== true;
  return needsPlaces ? placed(engine, options, inputs, places, events) : events();
}

/** The events, once it is known where the outputs begin: where the prompts end, which only the engine knows of tokens. */
async function* placed(
  engine: Engine,
  options: CallOptions,
  inputs: readonly GenerateInput[],
  places: readonly TextPlace[],
  events: () => AsyncIterable<GenerateEvent>,
): AsyncGenerator<GenerateEvent> {
  const each = places.length / inputs.length;
  for (const [i, { prompt }] of inputs.entries()) {
    const offset = await lengthOf(engine, options, prompt).catch((error: unknown) => {
      throw inputs.length === 1 ? error : atPrompt(error, i);
    });
    for (const place of places.slice(i * each, (i + 1) * each)) place.offset = offset;
  }
  yield* events();
}

/** Characters (Unicode code points) of a prompt; 0 for tokens where the engine does not say what they are. */
async function lengthOf(engine: Engine, options: CallOptions, prompt: Prompt): Promise<number> {
  const text = 'text' in prompt ? prompt.text : (await engine.tokenize?.({ prompt }, options))?.text;
  return [...(text ?? '')].length;
}
