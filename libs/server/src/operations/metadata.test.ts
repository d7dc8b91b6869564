import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { host, startFakeServer, type FakeServer } from '../__fixtures__/fake-service.ts';

let server: FakeServer;
beforeAll(async () => {
  server = await startFakeServer({ env: { XIM_MODEL_ALIASES: 'gpt-4o' } });
  await server.ready;
});
afterAll(() => server.close());

describe('GET /v1/metadata', () => {
  it('tells what runs, on what, and why so', async () => {
    expect((await server.app.inject('/v1/metadata')).json()).toMatchObject({
      service: { name: 'fake', version: '1.2.3', task: 'generate' },
      versions: { node: process.version },
      state: { state: 'ready', restarts: 0 },
      model: { id: 'xim/fake', licence: 'Apache-2.0', names: ['xim/fake', 'fake-alias', 'gpt-4o'] },
      engine: {
        name: 'fake',
        reason: "fake is the service's first choice",
        refusals: [],
        profile: { engine: 'fake', isa: [] },
        info: { engine: 'fake', runtime: { name: 'timers' }, slots: 2 },
      },
      plan: { slots: 2, queue: 2 },
      host: { vendor: host.vendor, cpus: 4 },
      pressure: { warnings: [] },
    });
  });

  it('tells the energy where the machine or a setting does', async () => {
    const measured = await startFakeServer({ env: { XIM_WATTS_PER_CORE: '5', XIM_CARBON_GRAMS_PER_KWH: '300' } });
    const { energy } = (await measured.app.inject('/v1/metadata')).json<{ energy: object }>();
    expect(energy).toMatchObject({ source: expect.stringMatching(/^(rapl|estimate)$/), unit: 'token' });
    expect((await measured.app.inject('/metrics')).body).toMatch(
      /^xim_energy_joules_total\{source="(rapl|estimate)",/m,
    );
    await measured.close();
  });
});

describe('GET /metrics', () => {
  it('labels every metric with service, task, engine and model', async () => {
    await server.app.inject({ method: 'POST', url: '/v1/once' });
    const answer = await server.app.inject('/metrics');
    expect(answer.headers['content-type']).toContain('text/plain; version=0.0.4');
    const samples = answer.body.split('\n').filter((line) => line.startsWith('xim_'));
    for (const line of samples) {
      expect(line).toContain('service="fake",task="generate",engine="fake",model="xim/fake"');
    }
    const names = new Set(samples.map((line) => line.split('{')[0]!.replace(/_(bucket|sum|count)$/, '')));
    // The counters of the machine depend on the machine.
    const ours = [...names].filter((name) => !/^xim_(cpu|host|energy|carbon)_/.test(name));
    expect(ours.sort()).toEqual([
      'xim_audio_seconds_total',
      'xim_batch_size',
      'xim_cached_tokens_total',
      'xim_engine_info',
      'xim_engine_restarts_total',
      'xim_image_pixels_total',
      'xim_image_steps_total',
      'xim_images_total',
      'xim_input_characters_total',
      'xim_input_tokens_total',
      'xim_output_tokens_total',
      'xim_queue_sequences',
      'xim_queue_wait_seconds',
      'xim_real_time_factor',
      'xim_request_duration_seconds',
      'xim_requests_total',
      'xim_running_sequences',
      'xim_slots',
      'xim_time_per_output_token_seconds',
      'xim_time_to_first_token_seconds',
      'xim_upload_bytes_total',
      'xim_uploads_total',
    ]);
    for (const line of [
      /^xim_requests_total{route="\/v1\/once",status="200",.*} 1$/m,
      /^xim_engine_info{runtime="timers",version="1",isa="none",dtype="none",reason="fake is .*} 1$/m,
      /^process_cpu_seconds_total/m,
      /^nodejs_eventloop_lag_p99_seconds/m,
    ]) {
      expect(line.test(answer.body), line.source).toBe(true);
    }
  });
});
