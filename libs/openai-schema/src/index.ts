// POST /v1/chat/completions: the request.
export { ChatCompletionRequest, ResponseFormat, Stop, StreamOptions } from './chat-request.ts';
export { ChatMessage, TextPart, UserPart } from './chat-messages.ts';
export { FunctionDefinition, Tool, ToolCall, ToolChoice } from './chat-tools.ts';

// POST /v1/chat/completions: the answer.
export {
  ChatCompletion,
  ChatCompletionChunk,
  ChatDelta,
  ChatLogprobs,
  CompletionUsage,
  FinishReason,
  ToolCallDelta,
} from './chat-response.ts';

// POST /v1/embeddings.
export { EmbeddingsBase64Response, EmbeddingsRequest, EmbeddingsResponse } from './embeddings.ts';
export type { EmbeddingsInput } from './embeddings.ts';

// GET /v1/models, and errors of every route.
export { Model, ModelList } from './models.ts';
export { ErrorResponse } from './error.ts';
