import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChat, startEmbedding, type TestService } from '../__fixtures__/test-service.ts';

interface OpenApi {
  openapi: string;
  info: { title: string };
  paths: Record<string, Record<string, { responses: object; requestBody?: object; parameters?: { name: string }[] }>>;
  components: { schemas: Record<string, { properties?: object; required?: string[] }> };
}

let chat: TestService;
let embedding: TestService;
beforeAll(async () => {
  [chat, embedding] = await Promise.all([startChat(), startEmbedding()]);
});
afterAll(() => Promise.all([chat.close(), embedding.close()]));

const documentOf = async (service: TestService) => (await (await service.get('/openapi.json')).json()) as OpenApi;

describe('GET /openapi.json', () => {
  it('describes the routes by the schemas that they parse with', async () => {
    const { openapi, info, paths, components } = await documentOf(chat);
    expect([openapi, info.title]).toEqual(['3.1.0', 'XIM: test']);
    const { post } = paths['/v1/chat/completions']!;
    const request = components.schemas['ChatCompletionRequestInput']!;
    expect(JSON.stringify(post!.requestBody)).toContain('#/components/schemas/ChatCompletionRequestInput');
    expect(request.required).toEqual(['messages']);
    expect(request.properties).toMatchObject({
      temperature: { anyOf: [{ type: 'number', minimum: 0, maximum: 2 }, { type: 'null' }] },
      max_completion_tokens: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }] },
    });
    expect(post!.responses).toMatchObject({
      200: {
        content: {
          'application/json': { schema: { $ref: '#/components/schemas/ChatCompletion' } },
          'text/event-stream': { schema: { $ref: '#/components/schemas/ChatCompletionChunk' } },
        },
      },
      default: { content: { 'application/json': { schema: { $ref: '#/components/schemas/ErrorResponse' } } } },
    });
    expect(paths['/v1/models/{model}']!['get']!.parameters).toMatchObject([{ name: 'model' }]);
  });

  it('describes completions, with the four forms of a prompt', async () => {
    const { paths, components } = await documentOf(chat);
    expect(paths['/v1/completions']!['post']).toMatchObject({
      requestBody: {
        content: { 'application/json': { schema: { $ref: '#/components/schemas/CompletionRequestInput' } } },
      },
      responses: {
        200: {
          content: {
            'application/json': { schema: { $ref: '#/components/schemas/Completion' } },
            'text/event-stream': { schema: { $ref: '#/components/schemas/CompletionChunk' } },
          },
        },
        default: { content: { 'application/json': { schema: { $ref: '#/components/schemas/ErrorResponse' } } } },
      },
    });
    const { properties, required } = components.schemas['CompletionRequestInput']!;
    expect(required).toBeUndefined();
    expect(properties).toMatchObject({
      prompt: {
        anyOf: [
          { anyOf: [{ type: 'string' }, { items: { type: 'string' } }, { type: 'array' }, { type: 'array' }] },
          { type: 'null' },
        ],
      },
      logprobs: { anyOf: [{ type: 'integer', minimum: 0, maximum: 5 }, { type: 'null' }] },
    });
  });

  it('describes the routes of Text Generation Inference under a tag of their own, with its errors', async () => {
    const { paths, components } = await documentOf(chat);
    for (const path of ['/', '/generate', '/generate_stream', '/chat_tokenize']) {
      expect(paths[path]!['post']).toMatchObject({
        tags: ['text generation'],
        responses: {
          default: { content: { 'application/json': { schema: { $ref: '#/components/schemas/TgiErrorResponse' } } } },
        },
      });
    }
    expect(components.schemas['TgiGenerateRequestInput']!.required).toEqual(['inputs']);
    expect(JSON.stringify(paths['/generate_stream'])).toContain('#/components/schemas/TgiStreamResponse');
    expect(paths['/info']!['get']).toMatchObject({ tags: ['text generation'] });
    // Clients of several servers use these.
    for (const path of ['/tokenize', '/detokenize', '/apply-template'])
      expect(paths[path]!['post']).toMatchObject({ tags: ['tokens'] });
  });

  it('has every schema that it refers to, and none of another task', async () => {
    for (const service of [chat, embedding]) {
      const document = await documentOf(service);
      const used = JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g);
      expect([...new Set([...used].map(([, name]) => name))].sort()).toEqual(
        Object.keys(document.components.schemas).sort(),
      );
    }
    const names = Object.keys((await documentOf(embedding)).components.schemas);
    expect(names).toContain('EmbeddingsRequestInput');
    expect(names.join()).not.toContain('Chat');
  });

  it('names no limits that nobody set', async () => {
    expect(JSON.stringify(await documentOf(chat))).not.toContain(String(Number.MAX_SAFE_INTEGER));
  });
});

describe('GET /docs', () => {
  it.each(['/docs', '/docs/'])('%s is a page whose files are all here', async (path) => {
    const response = await chat.get(path);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    const page = await response.text();
    expect(page).toContain('XIM: test');
    const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, file]) => new URL(file!, `${chat.origin}${path}`),
    );
    expect(files.length).toBeGreaterThan(4);
    for (const file of files) {
      expect(file.origin).toBe(chat.origin);
      const answer = await fetch(file);
      expect([file.pathname, answer.status]).toEqual([file.pathname, 200]);
      expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(0);
    }
  });

  it('keeps its own paths out of the description', async () => {
    expect(Object.keys((await documentOf(chat)).paths).filter((path) => /docs|openapi/.test(path))).toEqual([]);
  });
});
