/* eslint-disable @typescript-eslint/no-explicit-any -- bodies of requests, checked by hand */
import { type Exchange, refuseTgi } from './fake-exchange.ts';
import { CONTEXT_LENGTH, generate as make, toId, toInstance, toTokens } from './fake-model.ts';
import { MODEL } from './fake-openai.ts';

const LEAST: readonly (readonly [name: string, above: number, most?: number])[] = [
  ['temperature', 0],
  ['top_p', 0, 1],
  ['top_k', 0],
  ['repetition_penalty', 0],
  ['max_new_tokens', 0],
];

function check(body: any, stream: boolean): void {
  if (typeof body?.inputs !== 'string') refuseTgi('missing field `inputs`');
  if (body.inputs === '') refuseTgi('`inputs` cannot be empty');
  const parameters = body.parameters ?? {};
  for (const [name, above, most = Infinity] of LEAST) {
    const value = parameters[name] ?? undefined;
    if (value !== undefined && !(value > above && value <= most)) refuseTgi(`\`${name}\` is out of range`);
  }
  if (parameters.stop?.length > 4) refuseTgi('`stop` supports up to 4 stop sequences');
  if (parameters.best_of > 1 && (stream || !parameters.do_sample)) refuseTgi('`best_of` needs sampling, unstreamed');
  if (parameters.decoder_input_details && stream) refuseTgi('`decoder_input_details` == true is not supported');
  if (parameters.grammar && !['json', 'regex'].includes(parameters.grammar.type)) refuseTgi('unknown `grammar`');
  if (toTokens(body.inputs).length > CONTEXT_LENGTH) refuseTgi('`inputs` is too long');
}

const toToken = (text: string) => ({ id: toId(text), text, logprob: -0.1, special: false });

export function generate(exchange: Exchange): unknown {
  const { request: body, path } = exchange;
  const stream = path === '/generate_stream' || (path === '/' && body?.stream === true);
  check(body, stream);
  const parameters = body.parameters ?? {};
  const { grammar, details: wanted } = parameters;
  const says = grammar ? (grammar.type === 'regex' ? '123-ab' : JSON.stringify(toInstance(grammar.value))) : undefined;
  const maxTokens = parameters.max_new_tokens ?? 100;
  const made = make({ maxTokens, stop: parameters.stop ?? [], keepStop: true, ...(says ? { says } : {}) });
  const reason = made.stopped ? 'stop_sequence' : made.reason === 'length' ? 'length' : 'eos_token';
  const text = parameters.return_full_text ? body.inputs + made.text : made.text;
  const prompt = toTokens(body.inputs);
  const about = { finish_reason: reason, generated_tokens: made.tokens.length, seed: parameters.seed ?? null };
  Object.assign(exchange.headers, {
    'x-compute-time': '0.001',
    'x-total-time': '0.002',
    'x-prompt-tokens': String(prompt.length),
    'x-generated-tokens': String(made.tokens.length),
  });
  if (stream) {
    exchange.frames = made.tokens.map((token, i) => {
      const last = i === made.tokens.length - 1;
      const details = last && wanted ? { ...about, input_length: prompt.length } : null;
      return { index: i + 1, token: toToken(token), generated_text: last ? text : null, details };
    });
    return undefined;
  }
  const tops = parameters.top_n_tokens
    ? { top_tokens: made.tokens.map((token) => [toToken(token), toToken(' other')]) }
    : {};
  const prefill = parameters.decoder_input_details
    ? prompt.map((token, i) => ({ id: toId(token), text: token, logprob: i === 0 ? null : -0.1 }))
    : [];
  const details = wanted ? { details: { ...about, prefill, tokens: made.tokens.map(toToken), ...tops } } : {};
  const answer = { generated_text: text, ...details };
  return path === '/' ? [answer] : answer;
}

function toPieces(text: string): object[] {
  let at = 0;
  return toTokens(text).map((token) => {
    const start = at;
    at += token.length;
    return { id: toId(token), text: token, start, stop: at };
  });
}

export const tokenize = ({ request }: Exchange): unknown => toPieces(request.inputs);

export function chatTokenize({ request }: Exchange): unknown {
  const text = request.messages.map(({ role, content }: any) => `${role}: ${content}`).join('\n');
  return { templated_text: text, tokenize_response: toPieces(text) };
}

export const info = (): unknown => ({
  model_id: MODEL,
  max_concurrent_requests: 128,
  max_best_of: 2,
  max_stop_sequences: 4,
  max_input_tokens: CONTEXT_LENGTH - 1,
  max_total_tokens: CONTEXT_LENGTH,
  validation_workers: 2,
  max_client_batch_size: 4,
  router: 'fake',
  version: '1.0.0',
});
