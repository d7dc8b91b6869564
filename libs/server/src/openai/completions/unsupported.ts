import type { CompletionRequest } from '@xim/openai-schema';
import { refusal } from '../chat/unsupported.ts';

/** Throws InvalidInputError, by name, for what a request asks and no engine can be asked for. */
export function refuseUnsupportedCompletion({ suffix }: CompletionRequest): void {
  // Nothing after the text is what happens anyway.
  if (suffix) throw refusal('suffix', '"suffix" is not supported by this service', 'Leave it out');
}
