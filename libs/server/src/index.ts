// Making and running a service.
export { defineService } from './service.ts';
export type { Service } from './service.ts';
export { createServer } from './create-server.ts';
export type { TestOverrides, XimServer } from './create-server.ts';
export { serve } from './serve.ts';
export { readConfig } from './config/config.ts';
export type { Config } from './config/config.ts';

// Routes that a service may have.
export { transcriptions } from './openai/audio/route.ts';
export { chatCompletions } from './openai/chat/route.ts';
export { completions } from './openai/completions/route.ts';
export { messages } from './anthropic/route.ts';
export { responses } from './openai/responses/route.ts';
export { embeddings } from './openai/embeddings/route.ts';
export { reranking } from './rerank/route.ts';
export { images } from './openai/images/route.ts';
export { speech } from './openai/audio/speech.ts';
export { textGeneration } from './tgi/route.ts';

// Writing a route.
export { answerBytes } from './http/byte-stream.ts';
export type { ByteEvent } from './http/byte-stream.ts';
export { uploads, withUpload } from './http/upload.ts';
export type { Upload, UploadedFile, UploadOptions } from './http/upload.ts';
export type { AdmittedCall, Calls, RoutePlugin, ServedName, ServiceContext } from './context.ts';
