import { ErrorResponse, ListModelsResponse, Model as OracleModel } from '@effect/ai-openai/Generated';
import { Model, ModelList } from '@xim/openai-schema';
import { Schema } from 'effect';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChat, type TestService } from '../__fixtures__/test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startChat({ XIM_MODEL_ALIASES: 'my/own/name,gpt-4o' });
});
afterAll(() => service.close());

const names = ['xim/echo-generate', 'gpt-4o-mini', 'my/own/name', 'gpt-4o'];

describe('GET /v1/models', () => {
  it('lists the model and its aliases, alike in every answer', async () => {
    const body: unknown = await (await service.get('/v1/models')).json();
    Schema.decodeUnknownSync(ListModelsResponse)(body);
    expect(ModelList.parse(body)).toEqual({
      object: 'list',
      data: names.map((id) => ({ id, object: 'model', created: 1762000000, owned_by: 'xim' })),
    });
    expect(await (await service.get('/v1/models')).json()).toEqual(body);
  });

  it('is what the official client lists', async () => {
    const ids: string[] = [];
    for await (const model of service.client.models.list()) ids.push(model.id);
    expect(ids).toEqual(names);
  });
});

describe('GET /v1/models/{model}', () => {
  it.each(names.flatMap((name) => [name, encodeURIComponent(name)]))('describes %s', async (name) => {
    const response = await service.get(`/v1/models/${name}`);
    const body: unknown = await response.json();
    expect(response.status).toBe(200);
    Schema.decodeUnknownSync(OracleModel)(body);
    expect(Model.parse(body).id).toBe(decodeURIComponent(name));
  });

  it.each(['gpt-9', 'xim/other', 'xim%2Fother', 'xim/echo-generate/x', '%F0%9F%99%82'])('has no %s', async (name) => {
    const response = await service.get(`/v1/models/${name}`);
    const body: unknown = await response.json();
    expect(response.status).toBe(404);
    expect(Schema.decodeUnknownSync(ErrorResponse)(body).error.code).toBe('model_not_found');
  });

  it('serves the official client', async () => {
    expect((await service.client.models.retrieve('xim/echo-generate')).id).toBe('xim/echo-generate');
    await expect(service.client.models.retrieve('gpt-9')).rejects.toThrow(OpenAI.NotFoundError);
  });
});
