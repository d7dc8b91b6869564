import {
  defaultTextMapGetter,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import type { RequestEnd } from '../http/access-log.ts';

export interface Traces {
  /** Records a request that has ended; returns the id of its trace, 32 hexadecimal digits. */
  record(request: FastifyRequest, end: RequestEnd): string;
  /** Sends the last spans; waits two seconds at most for a collector that does not answer. */
  close(): Promise<void>;
}

/** What all spans of a service have in common. */
export interface TraceLabels {
  readonly service: string;
  readonly version: string | undefined;
  readonly task: string;
  readonly engine: string;
  readonly model: string;
}

const CLOSE_MS = 2000;

/**
 * Traces of OpenTelemetry, sent to a collector by OTLP over HTTP. A request is a span of the kind "server" with the
 * children "queue" (from the arrival at admission to the slots) and "engine" (from there to the end of the answer, with
 * the event "first output"). All are made when the request ends, from times that are measured in any case, so that a
 * token costs nothing more.
 *
 * Attributes follow the semantic conventions of HTTP and of generative AI
 * (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/). They hold no text of a request or an answer. The
 * library reads `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`.
 *
 * @param endpoint of the collector, without the path `/v1/traces`
 */
export function createTraces(endpoint: string, labels: TraceLabels, log: FastifyBaseLogger): Traces {
  const warn = (message: string, ...more: unknown[]): void => log.warn({ more }, `OpenTelemetry: ${message}`);
  const ignore = (): void => undefined;
  diag.setLogger(
    { error: warn, warn, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const own = resourceFromAttributes({
    'service.name': labels.service,
    'service.namespace': 'xim',
    ...(labels.version !== undefined && { 'service.version': labels.version }),
    'xim.task': labels.task,
    'xim.engine': labels.engine,
  });
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new BasicTracerProvider({
    resource: own.merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('@xim/server');
  const propagator = new W3CTraceContextPropagator();

  return {
    record(request, { route, status, seconds }) {
      const { stats } = request;
      const at = (milliseconds: number): number => performance.timeOrigin + stats.arrived + milliseconds;
      const end = at(seconds * 1000);
      const parent = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
      const span = tracer.startSpan(
        `${request.method} ${route}`,
        {
          kind: SpanKind.SERVER,
          startTime: at(0),
          attributes: {
            'http.request.method': request.method,
            'http.route': route,
            'http.response.status_code': status,
            'xim.request.id': request.id,
            ...(stats.admittedMs !== undefined && {
              'gen_ai.request.model': labels.model,
              'gen_ai.usage.input_tokens': stats.inputTokens,
              'gen_ai.usage.output_tokens': stats.outputTokens,
            }),
            ...(stats.error !== undefined && { 'error.type': stats.error }),
          },
        },
        parent,
      );
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      const within = trace.setSpan(parent, span);
      const { admittedMs, firstTokenMs } = stats;
      if (admittedMs !== undefined) {
        tracer.startSpan('queue', { startTime: at(admittedMs - stats.queueMs) }, within).end(at(admittedMs));
        const engine = tracer.startSpan('engine', { startTime: at(admittedMs) }, within);
        if (firstTokenMs !== undefined) engine.addEvent('first output', at(firstTokenMs));
        engine.end(end);
      }
      span.end(end);
      return span.spanContext().traceId;
    },
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
      await Promise.race([provider.shutdown().catch(ignore), late]);
      clearTimeout(timer);
    },
  };
}
