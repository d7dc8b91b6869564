import { InvalidInputError, type TranscribeEvent } from '@xim/engine';
import type { RoutePlugin } from '../../context.ts';
import { answerBytes } from '../byte-stream.ts';
import { uploads, withUpload } from '../upload.ts';

/** The least that routes with media can be. */
export const mediaRoutes: RoutePlugin = async (app) => {
  await app.register(uploads);

  /** The form itself: what a route gets. */
  app.post('/test/form', (request) =>
    withUpload(request, { lists: ['timestamp_granularities'] }, async ({ fields, files }) => ({
      fields,
      files: files.map(({ path: _path, ...file }) => file),
    })),
  );

  /** A recording, answered with the events of its transcription. */
  app.post('/test/transcribe', (request) =>
    withUpload(request, { lists: ['timestamp_granularities'] }, async ({ fields, files }, call) => {
      const file = files.find(({ field }) => field === 'file');
      if (!file) throw new InvalidInputError('There is no recording: send one as "file".', { param: 'file' });
      const words = fields['timestamp_granularities']?.includes('word') ?? false;
      const events: TranscribeEvent[] = [];
      const input = { audio: { path: file.path }, words };
      for await (const event of call.stream((engine, options) => engine.transcribe!(input, options))) {
        events.push(event);
      }
      return { bytes: file.bytes, events };
    }),
  );

  /** A picture to change; the echo engine makes none out of another. */
  app.post('/test/edit', (request) =>
    withUpload(request, {}, async ({ fields, files }, call) => {
      const input = {
        prompt: String(fields['prompt'] ?? ''),
        width: 8,
        height: 8,
        format: 'png' as const,
        ...(files[0] && { image: { path: files[0].path } }),
      };
      const types: string[] = [];
      for await (const event of call.stream((engine, options) => engine.generateImage!(input, options))) {
        types.push(event.type);
      }
      return { types };
    }),
  );
};

/** Text as JSON in, speech out. */
export const speakRoutes: RoutePlugin = async (app) => {
  app.post<{ Body: { text: string; format?: 'pcm' | 'mp3' } }>('/test/speak', (request, reply) => {
    const { text, format = 'pcm' } = request.body;
    const events = app.xim.calls.stream(request, 1, (engine, options) => engine.speak!({ text, format }, options));
    return answerBytes(reply, events);
  });
};
