// POST /v1/chat/completions: the request.
export { ChatCompletionRequest } from './chat-request.ts';
export { ResponseFormat } from './response-format.ts';
export { StreamOptions } from './sampling-fields.ts';
export type { SamplingRequest } from './sampling-fields.ts';
export type { ChatMessage, UserPart } from './chat-messages.ts';
export { allowedToolName, FunctionDefinition, Tool, ToolCall, ToolChoice } from './chat-tools.ts';

// POST /v1/chat/completions: the answer.
export { ChatCompletion, ChatCompletionChunk } from './chat-response.ts';
export type {
  ChatDelta,
  ChatLogprobs,
  CompletionUsage,
  FinishReason,
  PromptLogprobs,
  ToolCallDelta,
} from './chat-response.ts';

// POST /v1/completions.
export { CompletionRequest } from './completion-request.ts';
export { Completion, CompletionChunk, CompletionLogprobs } from './completion-response.ts';
export type { TextOrTokens } from './text-or-tokens.ts';

// POST /v1/responses.
export { ResponsesRequest } from './responses/request.ts';
export { ResponseObject, ResponseStreamEvent } from './responses/response.ts';
export type { ResponseUsage } from './responses/response.ts';
export type { ResponseFormatConfig } from './responses/request.ts';
export type { ResponseInputItem, ResponseInputPart, ResponseLogprob, ResponseOutputItem } from './responses/items.ts';
export type { ResponseTool, ResponseToolChoice } from './responses/tools.ts';

// POST /v1/embeddings.
export { EmbeddingsBase64Response, EmbeddingsRequest, EmbeddingsResponse } from './embeddings.ts';
export type { EmbeddingsInput } from './embeddings.ts';

// POST /v1/images/generations, POST /v1/images/edits.
export { ImageEditRequest, imageEditForm, ImageGenerationRequest, ImagesResponse, ImageStreamEvent } from './images.ts';

// POST /v1/audio/speech, GET /v1/audio/voices.
export { SpeechAudioDeltaEvent, SpeechAudioDoneEvent, SpeechRequest, VoiceList } from './speech.ts';

// POST /v1/audio/transcriptions and POST /v1/audio/translations.
export { recordingForms, TranscriptionRequest, TranslationRequest } from './transcription-request.ts';
export {
  Transcription,
  TranscriptionDiarized,
  TranscriptionStreamEvent,
  TranscriptionVerbose,
} from './transcription-response.ts';
export type {
  TranscriptionDiarizedSegment,
  TranscriptionLogprob,
  TranscriptionSegment,
  TranscriptionUsage,
  TranscriptionWord,
} from './transcription-response.ts';

// Fields of other servers.
export { extensionFields } from './extension-fields.ts';
export type { ExtensionField, ExtensionRoute, ExtensionServer } from './extension-fields.ts';

// GET /v1/models, and errors of every route.
export { Model, ModelList } from './models.ts';
export { ErrorResponse } from './error.ts';
