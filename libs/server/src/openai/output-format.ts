import { type GenerateEvent, InvalidInputError, type OutputFormat } from '@xim/engine';
import type { ResponseFormat, SamplingRequest } from '@xim/openai-schema';

/** A format, and the place in the request where its schema, pattern or grammar stands. */
export interface AskedFormat {
  readonly format: OutputFormat;
  readonly place: string;
}

type Schema = Extract<OutputFormat, { type: 'json-schema' }>['schema'];

type ShapeRequest = Pick<
  SamplingRequest,
  | ('structured_outputs' | 'guided_json' | 'guided_choice' | 'guided_regex' | 'guided_grammar')
  | ('grammar' | 'ebnf' | 'json_schema' | 'regex')
> & { readonly response_format?: ResponseFormat | null | undefined };

/** The shape that a request asks for, by the one of its fields that says so; undefined for free text. */
export function toAskedFormat(request: ShapeRequest): AskedFormat | undefined {
  const { structured_outputs: outputs } = request;
  if (request.response_format) return toResponseFormat(request.response_format);
  return (
    toSchema(request.guided_json, 'guided_json') ??
    toSchema(request.json_schema, 'json_schema') ??
    toSchema(outputs?.json, 'structured_outputs.json') ??
    toPattern(request.guided_regex, 'guided_regex') ??
    toPattern(request.regex, 'regex') ??
    toPattern(outputs?.regex, 'structured_outputs.regex') ??
    toPattern(toAlternation(request.guided_choice), 'guided_choice') ??
    toPattern(toAlternation(outputs?.choice), 'structured_outputs.choice') ??
    toGrammar(request.guided_grammar, 'guided_grammar') ??
    toGrammar(request.grammar, 'grammar') ??
    toGrammar(request.ebnf, 'ebnf') ??
    toGrammar(outputs?.grammar, 'structured_outputs.grammar') ??
    (outputs?.json_object ? { format: { type: 'json' }, place: 'structured_outputs' } : undefined)
  );
}

/** The events of a call; an error that the engine finds in its format names the request's own place. */
export async function* withFormatPlace(
  events: AsyncIterable<GenerateEvent>,
  asked: AskedFormat | undefined,
): AsyncGenerator<GenerateEvent> {
  try {
    yield* events;
  } catch (error) {
    const inside = /^format(?:\.(?:schema|pattern|grammar|type)(?=\.|$))?(.*)$/s;
    const found = asked && InvalidInputError.isInstance(error) ? inside.exec(error.param ?? '') : null;
    if (!found || !InvalidInputError.isInstance(error)) throw error;
    throw new InvalidInputError(error.message, {
      param: `${asked!.place}${found[1]}`,
      code: error.code as never,
      cause: error,
    });
  }
}

function toResponseFormat(format: ResponseFormat): AskedFormat | undefined {
  switch (format.type) {
    case 'text':
      return undefined;
    case 'regex':
      return toPattern(format.value, 'response_format.value');
    case 'grammar':
      return toGrammar(format.grammar, 'response_format.grammar');
    case 'json':
      return toSchema(format.value, 'response_format.value');
    case 'json_object':
      return (
        toSchema(format.schema, 'response_format.schema') ??
        toSchema(format.value, 'response_format.value') ?? { format: { type: 'json' }, place: 'response_format' }
      );
    case 'json_schema':
      if (format.value) return toSchema(format.value.schema, 'response_format.value.schema');
      return toSchema(format.json_schema?.schema ?? {}, 'response_format.json_schema.schema');
  }
}

function toSchema(schema: Schema | null | undefined, place: string): AskedFormat | undefined {
  return schema == null ? undefined : { format: { type: 'json-schema', schema }, place };
}

function toPattern(pattern: string | null | undefined, place: string): AskedFormat | undefined {
  return pattern == null ? undefined : { format: { type: 'regex', pattern }, place };
}

function toGrammar(grammar: string | null | undefined, place: string): AskedFormat | undefined {
  return grammar == null ? undefined : { format: { type: 'grammar', grammar }, place };
}

function toAlternation(choices: readonly string[] | null | undefined): string | undefined {
  return choices?.map((choice) => choice.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|');
}
