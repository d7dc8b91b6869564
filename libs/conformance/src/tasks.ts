import type { Check, Task, TaskName } from './check.ts';
import { CHAT } from './chat-calls.ts';
import { chatChecks } from './checks/chat.ts';
import { chatFormatChecks } from './checks/chat-format.ts';
import { chatLimitChecks } from './checks/chat-limits.ts';
import { chatLogprobChecks } from './checks/chat-logprobs.ts';
import { chatStopChecks } from './checks/chat-stops.ts';
import { chatStreamChecks } from './checks/chat-stream.ts';
import { chatToolChecks } from './checks/chat-tools.ts';
import { completionChecks } from './checks/completions.ts';
import { completionLogprobChecks } from './checks/completions-logprobs.ts';
import { completionStreamChecks } from './checks/completions-stream.ts';
import { EMBEDDINGS, embeddingChecks } from './checks/embeddings.ts';
import { httpChecks } from './checks/http.ts';
import { imageChecks, IMAGES } from './checks/images.ts';
import { messageChecks } from './checks/messages.ts';
import { messageStreamChecks } from './checks/messages-stream.ts';
import { modelChecks, MODELS } from './checks/models.ts';
import { RERANK, rerankChecks } from './checks/rerank.ts';
import { responseChecks } from './checks/responses.ts';
import { responseOutputChecks } from './checks/responses-output.ts';
import { responseStreamChecks } from './checks/responses-stream.ts';
import { SPEECH, speakChecks } from './checks/speak.ts';
import { tgiChecks } from './checks/tgi.ts';
import { tgiStreamChecks } from './checks/tgi-stream.ts';
import { transcribeChecks, TRANSCRIPTIONS } from './checks/transcribe.ts';
import { COMPLETIONS } from './completion-calls.ts';
import { MESSAGES } from './message-calls.ts';
import { RESPONSES } from './responses-calls.ts';
import { GENERATE } from './tgi-calls.ts';

/** All tasks. The checks of a task are in one file in checks/, or in several files if one would be long. */
export const tasks: readonly Task[] = [
  { name: 'http', checks: httpChecks },
  { name: 'models', probe: { path: MODELS }, checks: modelChecks },
  {
    name: 'chat',
    probe: { path: CHAT, body: {} },
    checks: [
      ...chatChecks,
      ...chatStopChecks,
      ...chatLimitChecks,
      ...chatStreamChecks,
      ...chatLogprobChecks,
      ...chatToolChecks,
      ...chatFormatChecks,
    ],
  },
  {
    name: 'completions',
    probe: { path: COMPLETIONS, body: {} },
    checks: [...completionChecks, ...completionStreamChecks, ...completionLogprobChecks],
  },
  {
    name: 'responses',
    probe: { path: RESPONSES, body: {} },
    checks: [...responseChecks, ...responseOutputChecks, ...responseStreamChecks],
  },
  { name: 'messages', probe: { path: MESSAGES, body: {} }, checks: [...messageChecks, ...messageStreamChecks] },
  { name: 'embeddings', probe: { path: EMBEDDINGS, body: {} }, checks: embeddingChecks },
  { name: 'rerank', probe: { path: RERANK, body: {} }, checks: rerankChecks },
  { name: 'speak', probe: { path: SPEECH, body: {} }, checks: speakChecks },
  { name: 'images', probe: { path: IMAGES, body: {} }, checks: imageChecks },
  { name: 'transcribe', probe: { path: TRANSCRIPTIONS, body: {} }, checks: transcribeChecks },
  { name: 'tgi', probe: { path: GENERATE, body: {} }, checks: [...tgiChecks, ...tgiStreamChecks] },
];

/** The task of a check is the first word of its id. */
export const taskOf = ({ id }: Check): TaskName => id.split('.')[0] as TaskName;
