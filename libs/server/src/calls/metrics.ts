import { collectDefaultMetrics, Counter, Gauge, Histogram as LabelledHistogram, Registry } from 'prom-client';
import type { EngineInfo } from '@xim/engine';
import type { RoutePlugin } from '../context.ts';
import type { Admission } from './admission.ts';
import { createHistogram, type Histogram } from './histogram.ts';

/** The same for every task, so that one dashboard shows them all. */
export interface MetricLabels {
  readonly service: string;
  readonly task: string;
  readonly engine: string;
  readonly model: string;
}

export interface Metrics {
  readonly registry: Registry;
  readonly queueWait: Histogram;
  readonly timeToFirstToken: Histogram;
  readonly timePerOutputToken: Histogram;
  readonly batchSize: Histogram;
  /** Added to from the hot path; read when the metrics are. */
  readonly tokens: { input: number; cached: number; output: number };
  /** Seconds of audio that a call heard or spoke, and characters that it spoke. */
  readonly audio: { seconds: number; characters: number };
  readonly realTimeFactor: Histogram;
  /** Finished pictures, their pixels, and denoising steps. */
  readonly images: { count: number; pixels: number; steps: number };
  /** Files that came whole. */
  readonly uploads: { count: number; bytes: number };
  request(route: string, status: number, seconds: number): void;
  refused(reason: RefusalReason): void;
  engineRestarted(): void;
  engineReady(info: EngineInfo, reason: string): void;
}

export type RefusalReason = 'overloaded' | 'not-ready' | 'deadline-in-queue' | 'cancelled-in-queue';

const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const WAIT_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const TOKEN_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5];
const FACTORS = [0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 5];
const SEQUENCES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** The metrics of one server, in a registry of its own. */
export function createMetrics(labels: MetricLabels, admission: Admission): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ ...labels });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  };
  const total = (name: string, help: string, value: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  };
  const histogram = (name: string, help: string, buckets: number[]): Histogram =>
    createHistogram(registry, { name, help, buckets });

  gauge('xim_slots', 'Sequences that may run at once', () => admission.slots);
  gauge('xim_running_sequences', 'Sequences that run now', () => admission.running);
  gauge('xim_queue_sequences', 'Sequences that wait for a slot', () => admission.queued);

  const tokens = { input: 0, cached: 0, output: 0 };
  total('xim_input_tokens_total', 'Tokens read', () => tokens.input);
  total('xim_cached_tokens_total', 'Tokens read that the prefix cache had', () => tokens.cached);
  total('xim_output_tokens_total', 'Tokens written', () => tokens.output);

  const audio = { seconds: 0, characters: 0 };
  total('xim_audio_seconds_total', 'Seconds of audio heard or spoken', () => audio.seconds);
  total('xim_input_characters_total', 'Characters of texts that were spoken', () => audio.characters);
  const images = { count: 0, pixels: 0, steps: 0 };
  total('xim_images_total', 'Pictures made', () => images.count);
  total('xim_image_pixels_total', 'Pixels of the pictures made', () => images.pixels);
  total('xim_image_steps_total', 'Denoising steps computed', () => images.steps);
  const uploads = { count: 0, bytes: 0 };
  total('xim_uploads_total', 'Forms with files that came whole', () => uploads.count);
  total('xim_upload_bytes_total', 'Bytes of their files', () => uploads.bytes);

  const requests = new Counter({
    name: 'xim_requests_total',
    help: 'Requests by route and status; 499 is a client that went away',
    labelNames: ['route', 'status'],
    registers,
  });
  const duration = new LabelledHistogram({
    name: 'xim_request_duration_seconds',
    help: 'From a request’s arrival to the end of its answer',
    labelNames: ['route'],
    buckets: REQUEST_SECONDS,
    registers,
  });
  const refusals = new Counter({
    name: 'xim_refused_total',
    help: 'Calls that never reached the engine, by reason',
    labelNames: ['reason'],
    registers,
  });
  const restarts = new Counter({ name: 'xim_engine_restarts_total', help: 'Engines that were replaced', registers });
  const engine = new Gauge({
    name: 'xim_engine_info',
    help: 'The engine that computes, and the reason of its choice',
    labelNames: ['runtime', 'version', 'isa', 'dtype', 'reason'],
    registers,
  });

  return {
    registry,
    tokens,
    uploads,
    queueWait: histogram('xim_queue_wait_seconds', 'From a call’s arrival at admission to its slots', WAIT_SECONDS),
    timeToFirstToken: histogram(
      'xim_time_to_first_token_seconds',
      'From a request’s arrival to its first output',
      REQUEST_SECONDS,
    ),
    timePerOutputToken: histogram(
      'xim_time_per_output_token_seconds',
      'Between two tokens of one sequence',
      TOKEN_SECONDS,
    ),
    batchSize: histogram('xim_batch_size', 'Sequences that run when a call is admitted, its own included', SEQUENCES),
    audio,
    images,
    realTimeFactor: histogram(
      'xim_real_time_factor',
      'From the start of a call to its end, per second of audio; a slow reader counts',
      FACTORS,
    ),
    request(route, status, seconds) {
      requests.inc({ route, status });
      duration.observe({ route }, seconds);
    },
    refused: (reason) => refusals.inc({ reason }),
    engineRestarted: () => restarts.inc(),
    engineReady({ runtime: { name, version, isa }, dtype }, reason) {
      engine.reset();
      engine.set({ runtime: name, version, isa, dtype, reason }, 1);
    },
  };
}

/** `GET /metrics`, for Prometheus. */
export function metricsRoute({ registry }: Metrics): RoutePlugin {
  return async (app) => {
    const schema = { tags: ['service'], summary: 'Metrics in the text format of Prometheus' };
    app.get('/metrics', { schema }, async (_request, reply) => {
      const text = await registry.metrics();
      return reply.type(registry.contentType).send(text);
    });
  };
}
