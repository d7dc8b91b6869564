// POST /, /generate, /generate_stream: the request.
export { CompatGenerateRequest, GenerateParameters, GenerateRequest } from './generate-request.ts';
export { Grammar } from './grammar.ts';

// POST /, /generate: the answer.
export { BestOfSequence, Details, FinishReason, GenerateResponse } from './generate-response.ts';
export { PrefillToken, Token } from './tokens.ts';

// POST /generate_stream, or / with stream: true: one event.
export { StreamDetails, StreamResponse } from './stream-response.ts';

// POST /tokenize, /chat_tokenize.
export { ChatTokenizeResponse, SimpleToken, TokenizeResponse } from './tokenize.ts';

// GET /info, and errors of every route.
export { Info } from './info.ts';
export { TgiErrorResponse } from './error.ts';
