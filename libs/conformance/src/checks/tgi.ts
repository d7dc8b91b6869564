import { z } from 'zod';
import { expectSuccess, expectTgiError, fetchJson } from '../answers.ts';
import type { Check } from '../check.ts';
import { MismatchError, SkippedError } from '../errors.ts';
import { expectEqual, expectShape, expectThat, toShown } from '../expectations.ts';
import { longText } from '../long-text.ts';
import { detailedGenerate, Details, generate, GENERATE, INPUTS, tgiBody, Token, tryGenerate, wholeGenerate } from '../tgi-calls.ts'; // prettier-ignore

const count = z.int().min(0);
const Info = z.looseObject({
  model_id: z.string().min(1),
  max_concurrent_requests: count,
  max_best_of: count,
  max_stop_sequences: count,
  max_input_tokens: count,
  max_total_tokens: count,
  validation_workers: count,
  max_client_batch_size: count,
  router: z.string().min(1),
  version: z.string().min(1),
});
const Tokens = z.array(z.looseObject({ id: count, text: z.string(), start: count, stop: count })).min(1);

const HEADERS = ['x-compute-time', 'x-total-time', 'x-prompt-tokens', 'x-generated-tokens'];

/** Values that TGI's router refuses. */
const invalid: readonly (readonly [id: string, title: string, body: object])[] = [
  ['inputs-empty', 'empty inputs', { inputs: '' }],
  ['temperature', 'temperature 0', tgiBody({ temperature: 0 })],
  ['top-p', 'top_p above 1', tgiBody({ top_p: 1.5 })],
  ['top-k', 'top_k 0', tgiBody({ top_k: 0 })],
  ['repetition-penalty', 'repetition_penalty 0', tgiBody({ repetition_penalty: 0 })],
  ['max-new-tokens', 'max_new_tokens 0', tgiBody({ max_new_tokens: 0 })],
  ['stop', 'five stop strings', tgiBody({ stop: ['\u0001a', '\u0001b', '\u0001c', '\u0001d', '\u0001e'] })],
  ['best-of', 'best_of without sampling', tgiBody({ best_of: 2, do_sample: false })],
];

/** Bodies that TGI's parser refuses: a 422 with a plain text. */
const unreadable: readonly (readonly [id: string, title: string, body: object])[] = [
  ['inputs-missing', 'a request without inputs', { parameters: {} }],
  ['grammar', 'a grammar of unknown type', tgiBody({ grammar: { type: 'poem', value: 'x' } })],
];

const schema = {
  type: 'object',
  properties: { colour: { type: 'string', enum: ['red', 'blue'] }, done: { type: 'boolean' } },
  required: ['colour', 'done'],
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MismatchError('generated_text that is JSON', toShown(text));
  }
}

export const tgiChecks: readonly Check[] = [
  {
    id: 'tgi.generate.fields',
    title: '/generate answers an object with generated_text, without details',
    why: 'huggingface_hub and the text-generation client decode it.',
    async run(context) {
      const { generated_text, details } = await wholeGenerate(context);
      expectThat(generated_text !== '', 'text', generated_text);
      expectThat(details === undefined || details === null, 'no details unless asked for', details);
    },
  },
  {
    id: 'tgi.generate.details',
    title: 'details: true gives finish_reason, seed, prefill and tokens',
    why: 'The typed clients declare them as required.',
    async run(context) {
      const details = expectShape(Details, (await detailedGenerate(context)).details, 'details');
      expectThat(details.generated_tokens >= 1 && details.generated_tokens <= 10, '1 to 10 tokens', details.generated_tokens); // prettier-ignore
    },
  },
  {
    id: 'tgi.generate.tokens-joined',
    title: 'the tokens of the details join to the text',
    why: 'User interfaces colour the text token by token.',
    async run(context) {
      const { details, generated_text } = await detailedGenerate(context);
      const { tokens } = expectShape(Details, details, 'details');
      const text = tokens
        .filter(({ special }) => !special)
        .map((token) => token.text)
        .join('');
      expectThat(text.trim() === generated_text.trim(), `tokens that join to ${JSON.stringify(generated_text)}`, text);
    },
  },
  {
    id: 'tgi.generate.max-new-tokens',
    title: 'max_new_tokens ends the text, with finish_reason length',
    why: 'If it is ignored, a text runs to the end of the context.',
    async run(context) {
      const answer = await generate(context, { max_new_tokens: 3, details: true });
      const details = expectShape(Details, answer.details, 'details');
      expectThat(details.generated_tokens <= 3, 'at most 3 tokens', details.generated_tokens);
      if (details.generated_tokens === 3) expectEqual(details.finish_reason, 'length', 'finish_reason');
    },
  },
  {
    id: 'tgi.generate.headers',
    title: 'the answer has times and counts',
    why: 'Dashboards of Inference Endpoints read them.',
    async run(context) {
      const answer = await tryGenerate(context, tgiBody());
      expectSuccess(answer);
      for (const name of HEADERS) {
        const value = answer.headers[name];
        expectThat(/^\d+(\.\d+)?$/.test(String(value)), `${name}: a number`, value);
      }
    },
  },
  {
    id: 'tgi.generate.full-text',
    title: 'return_full_text puts the inputs first',
    why: 'Pipelines of transformers do this, and code from them expects it.',
    async run(context) {
      const { generated_text: text } = await generate(context, { return_full_text: true });
      expectThat(text.startsWith(INPUTS) && text.length > INPUTS.length, `a text that begins with ${JSON.stringify(INPUTS)}`, text); // prettier-ignore
    },
  },
  {
    id: 'tgi.generate.seed',
    title: 'sampling with a seed reports the seed',
    why: 'A client needs the seed to generate the same text again.',
    async run(context) {
      const answer = await generate(context, { do_sample: true, seed: 42, details: true, temperature: 0.8 });
      const details = expectShape(Details, answer.details, 'details');
      expectEqual(details.seed ?? null, 42, 'details.seed');
    },
  },
  {
    id: 'tgi.generate.stop',
    title: 'a stop string ends the text with finish_reason stop_sequence',
    why: 'Agents cut at a marker.',
    async run(context) {
      const { generated_text: text, details: known } = await detailedGenerate(context);
      const { tokens } = expectShape(Details, known, 'details');
      // TGI searches for stop strings at the end of a token.
      const stop = tokens[Math.floor(tokens.length / 2)]?.text ?? '';
      if (stop.trim() === '') throw new SkippedError('the text of the model is too short for a stop string');
      const answer = await generate(context, { stop: [stop], details: true });
      expectEqual(expectShape(Details, answer.details, 'details').finish_reason, 'stop_sequence', 'finish_reason');
      expectThat(answer.generated_text.length < text.length || text.endsWith(stop), `less than ${JSON.stringify(text)}`, answer.generated_text); // prettier-ignore
    },
  },
  {
    id: 'tgi.generate.prefill',
    title: 'decoder_input_details gives the tokens of the inputs, the first without logprob',
    why: 'Scoring tools read the likelihood of the inputs.',
    mayRefuse: ['decoder_input_details'],
    async run(context) {
      const answer = await generate(context, { decoder_input_details: true, details: true });
      const { prefill } = expectShape(Details, answer.details, 'details');
      expectThat(prefill.length > 1 && prefill[0]!.logprob === null, 'prefill, the first logprob null', prefill);
    },
  },
  {
    id: 'tgi.generate.top-tokens',
    title: 'top_n_tokens gives the alternatives of each token',
    why: 'Classifiers compare the probabilities of their labels.',
    mayRefuse: ['top_n_tokens'],
    async run(context) {
      const answer = await generate(context, { top_n_tokens: 2, details: true, max_new_tokens: 3 });
      const { top_tokens: top } = expectShape(Details, answer.details, 'details');
      const lists = expectShape(z.array(z.array(Token)).min(1), top, 'details.top_tokens');
      for (const list of lists) expectThat(list.length >= 2, 'two alternatives or more', list);
    },
  },
  {
    id: 'tgi.generate.grammar-json',
    title: 'a grammar of type json is enforced',
    why: 'huggingface_hub and outlines expect objects.',
    mayRefuse: ['grammar'],
    async run(context) {
      const { generated_text } = await generate(context, { grammar: { type: 'json', value: schema }, max_new_tokens: 64 }); // prettier-ignore
      expectShape(z.looseObject({ colour: z.enum(['red', 'blue']), done: z.boolean() }), parse(generated_text), 'generated_text'); // prettier-ignore
    },
  },
  {
    id: 'tgi.generate.grammar-regex',
    title: 'a grammar of type regex is enforced',
    why: 'Programs extract codes and dates with it.',
    mayRefuse: ['grammar'],
    async run(context) {
      const grammar = { type: 'regex', value: '[0-9]{3}-[a-c]{2}' };
      const { generated_text: text } = await generate(context, { grammar, max_new_tokens: 32 });
      expectThat(/^[0-9]{3}-[a-c]{2}$/.test(text.trim()), grammar.value, text);
    },
  },
  {
    id: 'tgi.generate.unknown-fields',
    title: 'unknown fields are ignored, and nulls equal absence',
    why: 'huggingface_hub writes null for fields without a value.',
    async run(context) {
      const names = 'adapter_id best_of frequency_penalty grammar repetition_penalty return_full_text seed temperature top_k top_n_tokens top_p truncate typical_p'; // prettier-ignore
      const nulls = Object.fromEntries(names.split(' ').map((name) => [name, null]));
      expectSuccess(await tryGenerate(context, tgiBody({ ...nulls, x_unknown: 1 }, { x_field: 1 })));
    },
  },
  ...invalid.map(([id, title, body]): Check => ({
    id: `tgi.invalid.${id}`,
    title: `${title} is a 422 with error and error_type validation`,
    why: 'The text-generation client raises its ValidationError for this answer, and no error for a 400.',
    async run(context) {
      expectTgiError(await tryGenerate(context, body), 422, 'validation');
    },
  })),
  ...unreadable.map(([id, title, body]): Check => ({
    id: `tgi.invalid.${id}`,
    title: `${title} is a 422`,
    why: 'Clients distinguish a wrong request from a failure by it.',
    async run(context) {
      const { status, text } = await tryGenerate(context, body);
      expectThat(status === 422, 'status 422', `${status} ${text}`);
    },
  })),
  {
    id: 'tgi.too-long',
    title: 'inputs that do not fit are a 422, validation',
    why: 'Clients shorten the inputs.',
    async run(context) {
      expectTgiError(await tryGenerate(context, tgiBody({}, { inputs: longText(context) })), 422, 'validation');
    },
  },
  {
    id: 'tgi.info',
    title: '/info has its ten required keys',
    why: 'Clients learn the limits from it.',
    async run(context) {
      expectShape(Info, await fetchJson(context, { path: '/info' }), 'info');
    },
  },
  {
    id: 'tgi.health',
    title: '/health is 200 with an empty body',
    why: 'Probes of Inference Endpoints expect this.',
    async run(context) {
      const answer = await context.send({ path: '/health' });
      expectEqual(answer.status, 200, 'the status');
      expectEqual(answer.text, '', 'the body');
    },
  },
  {
    id: 'tgi.tokenize',
    title: '/tokenize gives id, text, start and stop of each token, and they cover the inputs',
    why: 'Clients use it to cut texts to a number of tokens.',
    async run(context) {
      const inputs = 'Hello there, world.';
      const tokens = expectShape(Tokens, await fetchJson(context, { path: '/tokenize', body: { inputs } }), 'tokens');
      const own = tokens.filter(({ start, stop }) => stop > start);
      const pieces = own.map(({ start, stop }) => inputs.slice(start, stop)).join('');
      expectThat(pieces.replaceAll(' ', '') === inputs.replaceAll(' ', ''), `slices that join to ${inputs}`, pieces);
    },
  },
  {
    id: 'tgi.chat-tokenize',
    title: '/chat_tokenize gives the text of the template and its tokens',
    why: 'Clients use it to count the tokens of a conversation.',
    async run(context) {
      const body = { model: context.model, messages: [{ role: 'user', content: 'Hello there.' }] };
      const answer = await context.send({ path: '/chat_tokenize', body });
      if (answer.status === 404) throw new SkippedError('no /chat_tokenize');
      expectSuccess(answer);
      const Both = z.looseObject({ templated_text: z.string(), tokenize_response: Tokens });
      const { templated_text } = expectShape(Both, JSON.parse(answer.text), 'answer');
      expectThat(templated_text.includes('Hello there.'), 'the message in templated_text', templated_text);
    },
  },
  {
    id: 'tgi.root',
    title: 'POST / answers a list with one object',
    why: 'Hugging Face’s Python clients use this route.',
    async run(context) {
      const list = await fetchJson(context, { path: '/', body: tgiBody() });
      const One = z.array(z.looseObject({ generated_text: z.string().min(1) })).length(1);
      expectShape(One, list, 'answer');
    },
  },
  {
    id: 'tgi.method',
    title: 'GET /generate is 405',
    why: 'A 404 means that the route does not exist.',
    async run(context) {
      expectEqual((await context.send({ path: GENERATE })).status, 405, 'the status');
    },
  },
];
