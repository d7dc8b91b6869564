// Making and running a service.
export { defineService } from './service.ts';
export type { Service } from './service.ts';
export { createServer } from './create-server.ts';
export type { Surroundings, XimServer } from './create-server.ts';
export { serve } from './serve.ts';
export { readConfig } from './config.ts';
export type { Config } from './config.ts';

// Routes that a service may have.
export { chatCompletions } from './routes/chat-completions.ts';
export { completions } from './routes/completions.ts';
export { embeddings } from './routes/embeddings.ts';
export { textGeneration } from './routes/text-generation.ts';

// Writing a route.
export { answerBytes } from './http/byte-stream.ts';
export type { ByteEvent } from './http/byte-stream.ts';
export { uploads, withUpload } from './http/upload.ts';
export type { Upload, UploadedFile, UploadOptions } from './http/upload.ts';
export type { AdmittedCall, Calls, RoutePlugin, ServedName, ServiceContext } from './context.ts';
