import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startFakeServer } from '../__fixtures__/fake-service.ts';
import { startChat, startEmbedding, startReranking, type TestService } from '../__fixtures__/test-service.ts';
import { startMediaService } from '../http/__fixtures__/media-service.ts';
import { images } from '../openai/images/route.ts';
import { type Browser, findBrowser, startBrowser } from './__fixtures__/browser.ts';

const PATIENCE_MS = 120_000;
const html = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

describe('GET /', () => {
  it('is one page without anything from elsewhere, under a strict policy', async () => {
    const server = await startFakeServer();
    const { statusCode, headers, body } = await server.app.inject({ url: '/', ...html });
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = headers['content-security-policy'] as string;
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-[^' ]+'; connect-src 'self'/,
    );
    expect(policy).not.toContain('unsafe');
    expect(body).toContain('<title>XIM: fake</title>');
    expect(body.match(/<script|<style/g)).toHaveLength(2);
    expect(body).not.toMatch(/\son\w+=|\ssrc=|https?:\/\//);
    await server.close();
  });

  it('tells other clients where to look', async () => {
    const server = await startFakeServer();
    const answer = await server.app.inject('/');
    expect(answer.json()).toMatchObject({ service: 'fake', task: 'generate', docs: '/docs' });
    await server.close();
  });

  it('asks for a key where there are keys, tells nothing of the model, and needs none itself', async () => {
    const server = await startFakeServer({ env: { XIM_API_KEYS: 'secret' } });
    const { statusCode, body } = await server.app.inject({ url: '/', ...html });
    expect(statusCode).toBe(200);
    expect(body).toContain('id="key"');
    expect(body).not.toMatch(/secret|xim\/fake/);
    await server.close();
  });

  it('is not there with XIM_PAGE=off', async () => {
    const server = await startFakeServer({ env: { XIM_PAGE: 'off' } });
    expect((await server.app.inject({ url: '/', ...html })).statusCode).toBe(404);
    await server.close();
  });

  it('leaves POST / to Text Generation Inference', async () => {
    const chat = await startChat();
    const body = { inputs: 'sea', parameters: { max_new_tokens: 8, return_full_text: false } };
    expect(await (await chat.post('/', body)).json()).toMatchObject([{ generated_text: 'sea' }]);
    await chat.close();
  });
});

const program = findBrowser();

describe('in a browser', { timeout: PATIENCE_MS }, () => {
  let browser: Browser;
  const services: TestService[] = [];
  beforeAll(async () => {
    if (program) browser = await startBrowser(program);
  }, PATIENCE_MS);
  beforeEach((context) =>
    context.skip(program === undefined, 'browser: there is no chromium on PATH (apt-get install chromium)'),
  );
  afterAll(async () => {
    if (program) await browser.close();
  }, PATIENCE_MS);
  afterEach(() => Promise.all(services.splice(0).map((service) => service.close())));

  const text = (selector: string) =>
    browser.evaluate<string>(`document.querySelector('${selector}')?.textContent ?? ''`);
  const becomes = (selector: string, expected: RegExp) =>
    expect.poll(() => text(selector), { timeout: 30_000 }).toMatch(expected);
  const fill = (id: string, value: string) =>
    browser.evaluate(`document.getElementById('${id}').value = ${JSON.stringify(value)}`);
  const submit = (id: string) => browser.evaluate(`document.getElementById('${id}').requestSubmit()`);
  const open = async (service: TestService) => {
    services.push(service);
    await browser.open(service.origin);
    return service;
  };

  it('chat: tells state, model, engine and plan, and streams answers of a conversation', async () => {
    await open(await startChat());
    await becomes('#state', /^ready$/);
    expect(await text('#model')).toBe('xim/echo-generate');
    expect(await text('#engine')).toMatch(/^echo \(/);
    expect(await text('#plan')).toMatch(/8 slots/);
    for (const [turn, words] of ['boats at rest', '<b>loud</b> market'].entries()) {
      await fill('message', words);
      await submit('chat');
      await expect
        .poll(() => browser.evaluate(`document.querySelectorAll('#talk .assistant')[${turn}]?.textContent`), {
          timeout: 30_000,
        })
        .toBe(words);
      await becomes('#chat button:not([disabled])', /Send/);
    }
    expect(await text('#problem')).toBe('');
    expect(browser.problems).toEqual([]);
  });

  it('embedding: compares two texts', async () => {
    await open(await startEmbedding());
    await becomes('#state', /^ready$/);
    await fill('first', 'sea');
    await fill('second', 'sea');
    await submit('embed');
    await becomes('#similarity', /^1\.0000$/);
    expect(await text('#vectors')).toMatch(/numbers\n.*numbers$/);
    expect(browser.problems).toEqual([]);
  });

  it('reranking: orders documents', async () => {
    await open(await startReranking());
    await becomes('#state', /^ready$/);
    await fill('query', 'one two');
    await fill('documents', 'nine\none two\n\none');
    await submit('rerank');
    await becomes('#ranking', /^0\.9900 one two0\.5000 one0\.0100 nine$/);
    expect(browser.problems).toEqual([]);
  });

  it('pictures: shows the picture of a text', async () => {
    const service = await startMediaService('generateImage', { routes: [images] });
    try {
      await browser.open(service.url);
      await becomes('#state', /^ready$/);
      await fill('prompt', 'a lighthouse');
      await submit('draw');
      const width = () => browser.evaluate<number>(`document.getElementById('picture').naturalWidth`);
      await expect.poll(width, { timeout: 30_000 }).toBe(64);
      await becomes('#draw button:not([disabled])', /Draw/);
      expect(await text('#problem')).toBe('');
      expect(browser.problems).toEqual([]);
      // A page that is open asks on.
      await browser.open('about:blank');
    } finally {
      await service.stop();
    }
  });

  it('shows what is wrong, and works with a key', async () => {
    await open(await startChat({ XIM_API_KEYS: 'right' }));
    await becomes('#problem', /needs an API key/);
    await fill('key', 'wrong');
    await submit('keys');
    await becomes('#problem', /not one of this service/);
    await fill('key', 'right');
    await submit('keys');
    await becomes('#state', /^ready$/);
    await fill('message', 'hello');
    await submit('chat');
    await becomes('#talk .assistant', /^hello$/);
  });
});
