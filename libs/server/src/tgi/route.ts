import { randomInt } from 'node:crypto';
import type { GenerateEvent } from '@xim/engine';
import { CompatGenerateRequest, GenerateRequest, GenerateResponse, StreamResponse } from '@xim/tgi-schema';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RoutePlugin } from '../context.ts';
import { methodOf } from '../engine/method-of.ts';
import { IncompleteError } from '../errors/errors.ts';
import { toTgiError } from '../errors/tgi-error.ts';
import { tgiFailures, useZodSchemas } from '../http/schema-compilers.ts';
import { streamAnswer } from '../http/stream-answer.ts';
import { createTgiStream, toTgiEvents } from './chunk.ts';
import { toTgiCosts, toTgiHeaders } from './headers.ts';
import { toMaxInputTokens } from './info.ts';
import { tgiParamNames, toTgiCall } from './request.ts';
import { type TgiOutcome, toTgiResponse } from './response.ts';
import { createTgiSequence } from './sequence.ts';
import { tokenization } from '../tokenize/route.ts';
import { tokenize } from './tokenize.ts';

const tags = ['text generation'];
const config = { paramNames: tgiParamNames, api: 'tgi' as const };
const toSchema = (summary: string, body: z.ZodType, answers: Record<string, { schema: z.ZodType }>) => ({
  ...{ tags, summary, body },
  response: { 200: { description: 'The text.', content: answers }, ...tgiFailures },
});
const json = (schema: z.ZodType) => ({ 'application/json': { schema } });
const events = { 'text/event-stream': { schema: StreamResponse } };

/** The routes of Text Generation Inference: `/`, `/generate`, `/generate_stream`, `/tokenize`, `/chat_tokenize`, `/info`. */
export const textGeneration: RoutePlugin = async (app) => {
  useZodSchemas(app);
  await app.register(tokenization);
  await app.register(tokenize);
  const { xim } = app;

  interface Manner {
    readonly stream: boolean;
    readonly fullText: boolean;
  }

  const open = (request: FastifyRequest, body: GenerateRequest, manner: Manner) => {
    const call = toTgiCall(body, {
      ...manner,
      maxBestOf: xim.plan.slots,
      maxInputTokens: toMaxInputTokens(xim),
      randomSeed: randomInt(2 ** 48 - 1),
    });
    xim.resolve(body.parameters?.adapter_id ?? xim.model.id);
    const calls = xim.calls.stream(request, call.input.choices ?? 1, (engine, options) =>
      methodOf(engine, 'generate')(call.input, options),
    );
    return { call, calls };
  };

  const answer = async (request: FastifyRequest, reply: FastifyReply, body: GenerateRequest, fullText: boolean) => {
    const { call, calls } = open(request, body, { stream: false, fullText });
    const { started, outcome } = await collect(calls, call.input.choices ?? 1);
    const { response, tokens } = toTgiResponse(call, outcome);
    const { arrived, queueMs } = request.stats;
    const times = { arrived, queueMs, started, ended: performance.now() };
    void reply.headers({ ...toTgiHeaders(body.inputs), ...toTgiCosts(times, outcome.inputTokens, tokens) });
    return response;
  };

  const answerStream = (request: FastifyRequest, reply: FastifyReply, body: GenerateRequest, fullText: boolean) => {
    const { call, calls } = open(request, body, { stream: true, fullText });
    const stream = createTgiStream(call);
    void reply.headers(toTgiHeaders(body.inputs));
    return streamAnswer(reply, calls, {
      toFrames: (event) => toTgiEvents(stream, event),
      toErrorFrame: (error) => JSON.stringify(toTgiError(error, tgiParamNames).body),
    });
  };

  app.post<{ Body: GenerateRequest }>(
    '/generate',
    { config, schema: toSchema('Continue a text', GenerateRequest, json(GenerateResponse)) },
    (request, reply) => answer(request, reply, request.body, false),
  );
  app.post<{ Body: GenerateRequest }>(
    '/generate_stream',
    { config, schema: toSchema('Continue a text, one event per token', GenerateRequest, events) },
    (request, reply) => answerStream(request, reply, request.body, false),
  );
  const both = { ...json(z.array(GenerateResponse).length(1)), ...events };
  app.post<{ Body: CompatGenerateRequest }>(
    '/',
    { config, schema: toSchema('Continue a text, at once or as a stream', CompatGenerateRequest, both) },
    async (request, reply) => {
      if (request.body.stream) return answerStream(request, reply, request.body, true);
      return [await answer(request, reply, request.body, true)];
    },
  );
};

/** Everything that a call generates, and when it began to. Throws IncompleteError when it ends before its `end` event. */
async function collect(
  calls: AsyncIterable<GenerateEvent>,
  count: number,
): Promise<{ started: number; outcome: TgiOutcome }> {
  const sequences = Array.from({ length: count }, createTgiSequence);
  let started = 0;
  let inputTokens = 0;
  for await (const event of calls) {
    if (event.type === 'start') {
      started = performance.now();
      inputTokens = event.inputTokens;
    } else if (event.type === 'end') {
      return { started, outcome: { sequences, inputTokens, usage: event.usage } };
    } else if (event.type === 'choice-end') sequences[event.choice]!.end(event);
    else if (event.type === 'text-delta' || event.type === 'reasoning-delta') sequences[event.choice]!.add(event);
  }
  throw new IncompleteError();
}
