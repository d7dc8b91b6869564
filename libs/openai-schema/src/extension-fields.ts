/** The servers whose clients send a field. */
export type ExtensionServer =
  'vLLM' | 'SGLang' | 'llama.cpp' | 'TGI' | 'TEI' | 'Ollama' | 'OpenRouter' | 'DeepSeek' | 'Qwen' | 'Mistral' | 'Cohere' | 'Jina' | 'Voyage' | 'Fireworks' | 'OpenAI'; // prettier-ignore

/** Routes with fields of several servers. OpenAI has no routes `rerank` and `score`. */
export type ExtensionRoute = 'chat' | 'completions' | 'responses' | 'embeddings' | 'rerank' | 'score';

/** A field that OpenAI's API does not have on a route, but that other servers or other routes of OpenAI have. */
export interface ExtensionField {
  /** Path in the body: `min_p`, `stream_options.continuous_usage_stats`. */
  readonly name: string;
  readonly servers: readonly ExtensionServer[];
  readonly routes: readonly ExtensionRoute[];
  /**
   * `honoured`: the route's schema has the field, and the field changes the call or the answer. `refused`: any value
   * except null and the values in `neutral` is an error that names the field. `no effect`: the field cannot change the
   * answer here, and is dropped.
   */
  readonly treatment: 'honoured' | 'refused' | 'no effect';
  /** The task input that the field becomes, the reason for the refusal, or the reason for no effect. */
  readonly note: string;
  /** Values that ask for the behaviour that the service has in any case. */
  readonly neutral?: readonly unknown[];
}

type Servers = ExtensionField['servers'];
type Routes = ExtensionField['routes'];

const text: Routes = ['chat', 'completions', 'responses'];
/** Routes with `choices` in the answer. */
const choices: Routes = ['chat', 'completions'];
const conversation: Routes = ['chat', 'responses'];
const pairs: Routes = ['rerank', 'score'];
const all: Routes = [...text, 'embeddings', ...pairs];
const vllm: Servers = ['vLLM'];
const sglang: Servers = ['SGLang'];
const llama: Servers = ['llama.cpp'];

const honoured = (name: string, servers: Servers, routes: Routes, note: string): ExtensionField => {
  return { name, servers, routes, treatment: 'honoured', note };
};
const refused = (
  name: string,
  servers: Servers,
  routes: Routes,
  note: string,
  ...neutral: readonly unknown[]
): ExtensionField => ({ name, servers, routes, treatment: 'refused', note, neutral });
const withoutEffect = (name: string, servers: Servers, routes: Routes, note: string): ExtensionField => {
  return { name, servers, routes, treatment: 'no effect', note };
};

const noSampler = 'this service has no such sampler; use temperature, top_p, top_k, min_p or typical_p';
const onlyText = 'an answer is text; ask for logprobs or return_token_ids to see its tokens';

/**
 * Every known extension field. A field that is neither in OpenAI's API nor in this list is unknown and is dropped, as
 * OpenAI's service and clients expect.
 */
export const extensionFields: readonly ExtensionField[] = [
  // Sampling.
  honoured('top_k', ['vLLM', 'SGLang', 'llama.cpp'], text, 'sampling.topK'),
  honoured('min_p', ['vLLM', 'SGLang', 'llama.cpp'], text, 'sampling.minP'),
  honoured('repetition_penalty', ['vLLM', 'SGLang'], text, 'sampling.repetitionPenalty'),
  honoured('repeat_penalty', ['llama.cpp', 'Ollama'], text, 'sampling.repetitionPenalty'),
  honoured('typical_p', ['llama.cpp', 'TGI'], text, 'sampling.typicalP'),
  refused('use_beam_search', vllm, text, 'there is no beam search; use n, or best_of of completions', false),
  refused('best_of', vllm, conversation, 'a conversation has no best_of; use n and choose', 1),
  refused('length_penalty', vllm, text, 'it is a setting of beam search, which is not supported', 1),
  refused('early_stopping', vllm, text, 'it is a setting of beam search, which is not supported', false),
  refused('mirostat', ['llama.cpp', 'Ollama'], text, noSampler, 0),
  withoutEffect('mirostat_tau', ['llama.cpp', 'Ollama'], text, 'a setting of mirostat, which is refused'),
  withoutEffect('mirostat_eta', ['llama.cpp', 'Ollama'], text, 'a setting of mirostat, which is refused'),
  refused('tfs_z', llama, text, noSampler, 1),
  refused('top_n_sigma', llama, text, noSampler, -1, 0),
  refused('top_a', ['OpenRouter'], text, noSampler, 0),
  refused('xtc_probability', llama, text, noSampler, 0),
  withoutEffect('xtc_threshold', llama, text, 'a setting of xtc_probability, which is refused'),
  refused('dynatemp_range', llama, text, noSampler, 0),
  withoutEffect('dynatemp_exponent', llama, text, 'a setting of dynatemp_range, which is refused'),
  refused('dry_multiplier', llama, text, 'use frequency_penalty or repetition_penalty', 0),
  withoutEffect('dry_base', llama, text, 'a setting of dry_multiplier, which is refused'),
  withoutEffect('dry_allowed_length', llama, text, 'a setting of dry_multiplier, which is refused'),
  withoutEffect('dry_penalty_last_n', llama, text, 'a setting of dry_multiplier, which is refused'),
  withoutEffect('dry_sequence_breakers', llama, text, 'a setting of dry_multiplier, which is refused'),
  refused('repeat_last_n', ['llama.cpp', 'Ollama'], text, 'penalties apply to the whole text', -1),
  refused('min_keep', llama, text, 'top_k, top_p and min_p keep exactly the tokens that they select', 0, 1),
  refused('samplers', llama, text, 'the order is fixed: penalties, temperature, min_p, top_k, top_p'),
  refused('logits_processors', vllm, text, 'code from clients is not executed; use logit_bias', []),
  refused('custom_logit_processor', sglang, text, 'code from clients is not executed; use logit_bias'),
  refused('logit_bias_exp', sglang, text, 'use logit_bias'),
  refused('random_seed', ['Mistral'], text, 'use seed'),
  refused('guidance_scale', ['vLLM'], text, 'there is no classifier-free guidance', 1),
  refused('watermark', ['TGI'], text, 'texts have no watermark', false),
  honoured('allowed_token_ids', vllm, text, 'sampling.allowedTokens'),
  honoured('bad_words', vllm, text, 'sampling.bannedTexts'),

  // The end of a text.
  honoured('ignore_eos', ['vLLM', 'SGLang', 'llama.cpp'], text, 'ignoreEnd'),
  honoured('include_stop_str_in_output', vllm, text, 'includeStop'),
  honoured('no_stop_trim', sglang, text, 'includeStop'),
  honoured('stop_token_ids', ['vLLM', 'SGLang'], text, 'stopTokens'),
  refused('stop_regex', sglang, text, 'use stop'),
  honoured('min_tokens', ['vLLM', 'SGLang'], text, 'minTokens'),
  honoured('min_new_tokens', sglang, text, 'minTokens'),
  refused('n_predict', llama, text, 'use max_tokens', -1),
  refused('t_max_predict_ms', llama, text, 'use the header x-request-timeout', 0),
  refused('n_indent', llama, text, 'use stop', 0),
  refused('thinking_token_budget', ['vLLM'], text, 'use reasoning_effort', -1),
  refused('thinking_budget', ['Qwen'], text, 'use reasoning_effort'),

  // The shape of a text.
  honoured('guided_json', vllm, text, 'format'),
  honoured('guided_choice', vllm, text, 'format'),
  honoured('guided_regex', vllm, text, 'format'),
  honoured('guided_grammar', vllm, text, 'format'),
  refused('guided_json_object', vllm, text, 'use response_format {"type": "json_object"}', false),
  refused('guided_whitespace_pattern', vllm, text, 'white space between the tokens of JSON is bounded already'),
  withoutEffect('guided_decoding_backend', vllm, text, 'there is only one grammar engine'),
  honoured('structured_outputs', vllm, text, 'format'),
  refused('structural_tag', vllm, text, 'use tools, or a grammar'),
  honoured('grammar', llama, text, 'format: GBNF or the Lark dialect of llguidance'),
  honoured('json_schema', ['llama.cpp', 'SGLang'], text, 'format'),
  honoured('regex', sglang, text, 'format'),
  honoured('ebnf', sglang, text, 'format: GBNF or the Lark dialect of llguidance'),
  refused('grammar_lazy', llama, text, 'a grammar holds from the first token', false),
  refused('grammar_triggers', llama, text, 'a grammar holds from the first token', []),
  refused('preserved_tokens', llama, text, 'the marks of the model’s dialect are kept already', []),
  honoured('response_format', ['vLLM'], ['completions'], 'format'),
  refused('format', ['Ollama'], text, 'use response_format'),

  // The prompt.
  honoured('add_generation_prompt', vllm, ['chat'], 'prompt.generationPrompt'),
  honoured('continue_final_message', vllm, ['chat'], 'prompt.continueLast'),
  honoured('chat_template_kwargs', ['vLLM', 'llama.cpp', 'SGLang'], conversation, 'prompt.templateVariables'),
  refused(
    'chat_template',
    vllm,
    [...conversation, 'embeddings'],
    'the template is a part of the model; the profile can set another template',
  ),
  refused('documents', vllm, conversation, 'put them into a message', []),
  refused('enable_thinking', ['Qwen'], conversation, 'use chat_template_kwargs, or reasoning_effort'),
  refused('thinking', ['DeepSeek'], conversation, 'use reasoning_effort'),
  refused('think', ['Ollama'], conversation, 'use reasoning_effort'),
  refused('reasoning', ['OpenRouter'], ['chat'], 'use reasoning_effort'),
  refused('prompt_mode', ['Mistral'], conversation, 'use reasoning_effort'),
  refused('safe_prompt', ['Mistral'], conversation, 'put it into a system message', false),
  refused('echo', vllm, conversation, 'a conversation is not echoed', false),
  refused('add_special_tokens', vllm, text, 'the tokenizer adds the tokens that the model expects; send tokens'),
  honoured('truncate_prompt_tokens', vllm, text, 'truncate'),
  refused('truncation_side', vllm, text, 'truncate_prompt_tokens keeps the end of a prompt', 'left'),
  refused('prompt_truncate_len', ['Fireworks'], text, 'use truncate_prompt_tokens'),
  refused('context_length_exceeded_behavior', ['Fireworks'], text, 'a prompt that does not fit is an error', 'error'),
  refused('truncation', sglang, text, 'use truncate_prompt_tokens', 'disabled'),
  refused('transforms', ['OpenRouter'], text, 'messages are not changed', []),
  refused('prompt_embeds', vllm, ['completions'], 'a prompt is text or tokens'),
  refused('mm_processor_kwargs', vllm, all, 'this service reads text'),
  refused('image_data', ['llama.cpp', 'SGLang'], text, 'this service reads text', []),
  refused('multimodal_data', llama, text, 'this service reads text'),
  refused('options', ['Ollama'], all, 'put its members at the top level of the request'),
  refused('input_prefix', llama, text, 'this service has no infill route', ''),
  refused('input_suffix', llama, text, 'this service has no infill route', ''),
  refused('n_keep', llama, text, 'a context is not shifted', 0),
  refused('n_discard', llama, text, 'a context is not shifted', 0),

  refused('add_generation_prompt', vllm, ['responses'], 'use it on /v1/chat/completions', true),
  refused('continue_final_message', vllm, ['responses'], 'use it on /v1/chat/completions', false),
  refused('messages', ['OpenAI'], ['responses'], 'use input'),
  refused('max_tokens', ['OpenAI'], ['responses'], 'use max_output_tokens'),
  refused('max_completion_tokens', ['OpenAI'], ['responses'], 'use max_output_tokens'),
  refused('n', ['OpenAI'], ['responses'], 'a request has one response; send several requests', 1),
  refused('response_format', ['OpenAI'], ['responses'], 'use text.format'),
  refused('reasoning_effort', ['OpenAI'], ['responses'], 'use reasoning.effort'),
  refused('verbosity', ['OpenAI'], ['responses'], 'use text.verbosity'),
  honoured('logprobs', ['OpenAI'], ['responses'], 'logprobs; the API itself has top_logprobs and include'),

  // The answer.
  refused('prompt_logprobs', vllm, ['responses'], 'use it on /v1/chat/completions'),
  refused('return_token_ids', vllm, ['responses'], 'use it on /v1/chat/completions', false),
  refused('stream_options.continuous_usage_stats', vllm, ['responses'], 'the last event has the usage', false),
  honoured('prompt_logprobs', vllm, choices, 'promptLogprobs'),
  honoured('return_token_ids', vllm, choices, 'tokenIds'),
  refused('return_tokens_as_token_ids', vllm, text, 'tokens are reported as texts', false),
  refused('return_tokens', llama, text, 'use return_token_ids', false),
  refused('return_progress', llama, text, 'progress is not reported', false),
  refused('logprob_token_ids', vllm, text, 'alternatives are the most probable tokens', []),
  refused('n_probs', llama, text, 'use logprobs and top_logprobs', 0),
  refused('post_sampling_probs', llama, text, 'probabilities are computed before sampling', false),
  refused('return_hidden_states', sglang, text, onlyText, false),
  refused('skip_special_tokens', ['vLLM', 'SGLang'], text, 'special tokens have no text', true),
  withoutEffect('spaces_between_special_tokens', ['vLLM', 'SGLang'], text, 'special tokens have no text'),
  refused('include_reasoning', ['vLLM', 'OpenRouter'], conversation, 'the answer always has the thoughts', true),
  refused('separate_reasoning', sglang, conversation, 'thoughts are always separate from the text', true),
  refused('stream_reasoning', sglang, conversation, 'thoughts are always streamed', true),
  refused('reasoning_format', llama, conversation, 'a thought is in reasoning_content', 'auto', 'deepseek'),
  refused('thinking_forced_open', llama, conversation, 'the template decides', false),
  refused('parse_tool_calls', llama, conversation, 'use tool_choice "none"', true),
  refused('parse_reasoning', ['Mistral'], conversation, 'thoughts are always separate from the text', true),
  refused('response_fields', llama, text, 'an answer has all of its fields', []),
  refused('timings_per_token', llama, text, 'times are metrics', false),
  honoured('stream_options.continuous_usage_stats', vllm, choices, 'usage in each chunk'),

  // The service.
  refused('priority', vllm, all, 'calls are served in the order of their arrival', 0),
  withoutEffect('request_id', vllm, all, 'send the header x-request-id'),
  withoutEffect('rid', sglang, all, 'send the header x-request-id'),
  withoutEffect('cache_salt', vllm, all, 'answers do not depend on the content of the prefix cache'),
  withoutEffect('cache_prompt', llama, text, 'the service manages the prefix cache'),
  withoutEffect('id_slot', llama, text, 'all slots are equal'),
  withoutEffect('keep_alive', ['Ollama'], all, 'the model stays loaded'),
  refused('kv_transfer_params', vllm, text, 'the cache stays in one process'),
  refused('vllm_xargs', vllm, text, 'there are no such extensions'),
  refused('lora', llama, text, 'name an adapter as the model', []),
  refused('lora_path', sglang, text, 'name an adapter as the model'),
  refused('session_params', sglang, text, 'there are no sessions'),
  refused('bootstrap_host', sglang, text, 'one process computes prompts and answers'),
  refused('models', ['OpenRouter'], text, 'name one model', []),
  refused('route', ['OpenRouter'], text, 'there is no router'),
  refused('provider', ['OpenRouter'], text, 'there is no router'),
  refused('plugins', ['OpenRouter'], text, 'there are no plugins', []),

  // Vectors.
  honoured('prompt_name', ['TEI'], ['embeddings'], 'prompt'),
  honoured('input_type', ['Cohere'], ['embeddings'], 'prompt'),
  refused('task', ['Jina'], ['embeddings'], 'use prompt_name'),
  refused('messages', vllm, ['embeddings'], 'use input'),
  honoured('truncate', ['TEI', 'Ollama', 'Cohere'], ['embeddings'], 'truncate'),
  honoured('truncate_prompt_tokens', vllm, ['embeddings'], 'truncate'),
  honoured('truncation_side', vllm, ['embeddings'], 'truncate'),
  refused('truncation_direction', ['TEI'], ['embeddings'], 'use truncation_side'),
  refused('normalize', ['TEI', 'vLLM'], ['embeddings'], 'vectors have unit length', true),
  refused('normalized', ['Jina'], ['embeddings'], 'vectors have unit length', true),
  refused('use_activation', vllm, ['embeddings'], 'vectors have unit length', true),
  refused('add_special_tokens', vllm, ['embeddings'], 'the tokenizer adds the tokens that the model expects', true),
  refused('late_chunking', ['Jina'], ['embeddings'], 'each text is read alone', false),
  refused('embedding_types', ['Cohere'], ['embeddings'], 'use encoding_format'),
  refused('embedding_type', ['Jina'], ['embeddings'], 'use encoding_format'),
  refused('output_dtype', ['Mistral'], ['embeddings'], 'vectors are float32; use encoding_format', 'float'),
  refused('output_dimension', ['Mistral', 'Cohere'], ['embeddings'], 'use dimensions'),
  refused('embed_dtype', vllm, ['embeddings'], 'vectors are float32', 'float32'),
  refused('endianness', vllm, ['embeddings'], 'base64 is little-endian', 'native', 'little'),

  // Relevance.
  refused('rank_fields', ['Cohere'], ['rerank'], 'the text of a document is read'),
  refused('max_chunks_per_doc', ['Cohere'], ['rerank'], 'a document is read as one text; use max_tokens_per_doc', 1),
  refused('overlap_tokens', ['Cohere'], ['rerank'], 'a document is read as one text', 0),
  refused('top_k', ['Voyage'], ['rerank'], 'use top_n'),
  refused('truncation', ['Voyage', 'Jina'], ['rerank'], 'use truncate_prompt_tokens', false),
  refused('return_embeddings', ['Jina'], ['rerank'], 'use a service for embeddings', false),
  refused('raw_scores', ['TEI'], ['rerank'], 'it belongs to requests with texts; use use_activation', false),
  refused('return_text', ['TEI'], ['rerank'], 'it belongs to requests with texts; use return_documents', false),
  refused('truncate', ['TEI'], ['rerank'], 'it belongs to requests with texts; use truncate_prompt_tokens', false),
  refused('truncation_direction', ['TEI'], ['rerank'], 'it belongs to requests with texts; use truncation_side'),
  honoured('instruction', vllm, pairs, 'instruction'),
  refused('activation', vllm, pairs, 'use use_activation', true),
  refused('softmax', vllm, pairs, 'use use_activation'),
  refused('items', ['SGLang'], ['score'], 'use text_2'),
  refused('label_token_ids', ['SGLang'], ['score'], 'the model has one score for a pair'),
];
