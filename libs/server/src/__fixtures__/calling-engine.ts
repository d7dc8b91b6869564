import type { CallOptions, GenerateEvent, GenerateInput, Message } from '@xim/engine';

/**
 * Behaves as a model that uses its tools: it calls the first one with the user's words as `city`, and after the result
 * it says what it learned. Without tools it repeats the user.
 */
export async function* callsItsTools(input: GenerateInput, _options: CallOptions): AsyncGenerator<GenerateEvent> {
  const { messages, tools = [], toolChoice } = input.prompt as Extract<GenerateInput['prompt'], { messages: unknown }>;
  const last = messages.at(-1)!;
  yield { type: 'start', inputTokens: messages.length };
  const [tool] = tools;
  if (last.role === 'user' && tool && toolChoice?.mode !== 'none') {
    yield { type: 'tool-call', choice: 0, call: 0, id: `call_${messages.length}`, name: tool.name };
    const json = JSON.stringify({ city: textOf(last) });
    yield { type: 'tool-call-delta', choice: 0, call: 0, arguments: json.slice(0, 5) };
    yield { type: 'tool-call-delta', choice: 0, call: 0, arguments: json.slice(5) };
    yield { type: 'choice-end', choice: 0, reason: 'tool-calls' };
  } else {
    const said = last.role === 'tool' ? `It is ${textOf(last)}.` : textOf(last);
    for (const text of said.split(/(?= )/)) yield { type: 'text-delta', choice: 0, text, tokens: 1 };
    yield { type: 'choice-end', choice: 0, reason: 'stop' };
  }
  yield { type: 'end', usage: { inputTokens: messages.length, outputTokens: 4 } };
}

const textOf = (message: Message): string => message.content ?? '';
