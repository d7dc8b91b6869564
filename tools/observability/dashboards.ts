// `npx tsx tools/observability/dashboards.ts` writes the dashboards of `xim/observability`.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { toDashboard, type Panel } from './panels.ts';

/** Percentiles of a histogram, one series per service. */
function percentiles(metric: string): Record<string, string> {
  const at = (q: number) =>
    `histogram_quantile(${q}, sum by (le, service) (rate(${metric}_bucket{$of}[$__rate_interval])))`;
  return { '{{service}} p50': at(0.5), '{{service}} p95': at(0.95), '{{service}} p99': at(0.99) };
}

/** What a counter gains in a second, one series per service. */
const perSecond = (metric: string): string => `sum by (service) (rate(${metric}{$of}[$__rate_interval]))`;

/** What a gauge shows, added over the replicas of a service. */
const total = (metric: string): string => `sum by (service) (${metric}{$of})`;

function graph(title: string, unit: string, description: string, series: Record<string, string>): Panel {
  return { title, unit, description, series };
}

const services = toDashboard('xim-services', 'XIM services', [
  {
    title: 'Every service',
    panels: [
      graph('Requests', 'reqps', 'Requests by status; 499 is a client that went away.', {
        '{{service}} {{status}}': 'sum by (service, status) (rate(xim_requests_total{$of}[$__rate_interval]))',
      }),
      graph(
        'Duration of a request',
        's',
        'From the arrival of a request to the end of its answer.',
        percentiles('xim_request_duration_seconds'),
      ),
      graph('Refused calls', 'reqps', 'Calls that never reached the engine, by reason.', {
        '{{service}} {{reason}}': 'sum by (service, reason) (rate(xim_refused_total{$of}[$__rate_interval]))',
      }),
      graph('Slots', 'short', 'Sequences that run, and sequences that may run at once.', {
        '{{service}} running': total('xim_running_sequences'),
        '{{service}} slots': total('xim_slots'),
      }),
      graph('Queue', 'short', 'Sequences that wait for a slot.', { '{{service}}': total('xim_queue_sequences') }),
      graph(
        'Time in the queue',
        's',
        'From the arrival of a call to its slots.',
        percentiles('xim_queue_wait_seconds'),
      ),
      graph('Sequences per batch', 'short', 'Mean number of sequences that run when a call is admitted.', {
        '{{service}}': `${perSecond('xim_batch_size_sum')} / ${perSecond('xim_batch_size_count')}`,
      }),
      graph('Engines', 'short', 'Ready engines, by library, instruction set and type of numbers.', {
        '{{service}} {{runtime}} {{version}} {{isa}} {{dtype}}':
          'sum by (service, runtime, version, isa, dtype) (xim_engine_info{$of})',
      }),
      graph('Replaced engines', 'short', 'Engines that died or stalled and were replaced within an hour.', {
        '{{service}}': 'sum by (service) (increase(xim_engine_restarts_total{$of}[1h]))',
      }),
    ],
  },
  {
    title: 'Text and vectors',
    panels: [
      graph(
        'Time to first token',
        's',
        'From the arrival of a request to its first output.',
        percentiles('xim_time_to_first_token_seconds'),
      ),
      graph(
        'Time per output token',
        's',
        'Between two tokens of one sequence.',
        percentiles('xim_time_per_output_token_seconds'),
      ),
      graph('Tokens', 'short', 'Tokens per second: read, read from the prefix cache, written.', {
        '{{service}} input': perSecond('xim_input_tokens_total'),
        '{{service}} cached': perSecond('xim_cached_tokens_total'),
        '{{service}} output': perSecond('xim_output_tokens_total'),
      }),
    ],
  },
  {
    title: 'Audio',
    panels: [
      graph('Audio', 'short', 'Seconds of audio heard or spoken, per second.', {
        '{{service}}': perSecond('xim_audio_seconds_total'),
      }),
      graph(
        'Real-time factor',
        'short',
        'Time of a call per second of its audio; below 1 is faster than real time.',
        percentiles('xim_real_time_factor'),
      ),
      graph('Characters', 'short', 'Characters spoken per second.', {
        '{{service}}': perSecond('xim_input_characters_total'),
      }),
      graph('Uploads', 'Bps', 'Bytes of files that came whole, per second.', {
        '{{service}}': perSecond('xim_upload_bytes_total'),
      }),
    ],
  },
  {
    title: 'Pictures',
    panels: [
      graph('Pictures', 'short', 'Finished pictures per minute.', {
        '{{service}}': `60 * ${perSecond('xim_images_total')}`,
      }),
      graph('Denoising steps', 'short', 'Steps per second.', { '{{service}}': perSecond('xim_image_steps_total') }),
      graph('Pixels', 'short', 'Pixels of finished pictures per second.', {
        '{{service}}': perSecond('xim_image_pixels_total'),
      }),
    ],
  },
]);

const hosts = toDashboard('xim-hosts', 'XIM hosts', [
  {
    title: 'The process that serves HTTP',
    panels: [
      graph('CPU', 'percentunit', 'CPUs that the process keeps busy; the engine is a process of its own.', {
        '{{instance}}': 'rate(process_cpu_seconds_total{$of}[$__rate_interval])',
      }),
      graph('Memory', 'bytes', 'Resident memory.', { '{{instance}}': 'process_resident_memory_bytes{$of}' }),
      graph('Delay of the event loop', 's', 'A long delay holds back every stream of the replica.', {
        '{{instance}} p50': 'nodejs_eventloop_lag_p50_seconds{$of}',
        '{{instance}} p99': 'nodejs_eventloop_lag_p99_seconds{$of}',
      }),
      graph('Open files', 'short', 'File descriptors, connections included, and their limit.', {
        '{{instance}} open': 'process_open_fds{$of}',
        '{{instance}} limit': 'process_max_fds{$of}',
      }),
      graph('Garbage collection', 'percentunit', 'Share of the time that collections take.', {
        '{{instance}}': 'sum by (instance) (rate(nodejs_gc_duration_seconds_sum{$of}[$__rate_interval]))',
      }),
      graph('Uptime', 's', 'Time since the start of the process.', {
        '{{instance}}': 'time() - process_start_time_seconds{$of}',
      }),
    ],
  },
  {
    title: 'Pressure and energy',
    panels: [
      graph(
        'Stopped by the CPU quota',
        'percentunit',
        'Share of the periods of the quota in which threads were stopped.',
        {
          '{{instance}}':
            'rate(xim_cpu_throttled_periods_total{$of}[$__rate_interval]) / rate(xim_cpu_periods_total{$of}[$__rate_interval])',
        },
      ),
      graph('Taken by the hypervisor', 'percentunit', 'CPUs of the machine that its hypervisor gave to others.', {
        '{{instance}}': 'rate(xim_host_steal_seconds_total{$of}[$__rate_interval])',
      }),
      graph('Swap', 'Bps', 'Bytes that the machine reads from and writes to its swap space.', {
        '{{instance}} in': 'rate(xim_host_swapped_in_bytes_total{$of}[$__rate_interval])',
        '{{instance}} out': 'rate(xim_host_swapped_out_bytes_total{$of}[$__rate_interval])',
      }),
      graph('Power', 'watt', 'Power of the service; source says whether it is measured.', {
        '{{instance}} {{source}}': 'rate(xim_energy_joules_total{$of}[$__rate_interval])',
      }),
      graph('Energy per unit', 'joule', 'Energy of a token, an audio second or a picture, since the start.', {
        '{{instance}} {{unit}}': 'xim_energy_joules_per_unit{$of}',
      }),
      graph('CO2 per hour', 'massg', 'By XIM_CARBON_GRAMS_PER_KWH.', {
        '{{instance}}': '3600 * rate(xim_carbon_grams_total{$of}[$__rate_interval])',
      }),
    ],
  },
]);

/** The dashboards, by the name of their file. */
export const dashboards: Readonly<Record<string, Dashboard>> = { services, hosts };

/** The text of a dashboard's file. */
export const toText = (dashboard: Dashboard): string => `${JSON.stringify(dashboard, null, 2)}\n`;

export const folder = new URL('../../xim/observability/dashboards/', import.meta.url);

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [name, dashboard] of Object.entries(dashboards))
    writeFileSync(new URL(`${name}.json`, folder), toText(dashboard));
