/** A fault of a server, which may fail several checks. A fault that only one check can find has the id of the check. */
export interface Kind {
  /** The place and the fault, such as `error.code:number`. */
  readonly name: string;
  /** The fault, as a sentence that is true for the server. */
  readonly sentence: string;
}

/** The fault of a value that has another shape. `what` and `path` are its place; indexes in them do not matter. */
export function toShapeKind(what: string, path: string, value: unknown, wrongType: boolean): Kind {
  const place = `${what}${path}`
    .replace(/^(?:the error|answer)\.|^the /, '')
    .replaceAll(/ \d+/g, '')
    .replaceAll(/\[\d+\]/g, '[]');
  if (value === undefined) return { name: `${place}:missing`, sentence: `${place} is missing` };
  if (!wrongType) return { name: `${place}:value`, sentence: `${place} has a wrong value` };
  const type = value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;
  const article = type === 'null' ? '' : type === 'object' ? 'an ' : 'a ';
  return { name: `${place}:${type}`, sentence: `${place} is ${article}${type}` };
}

/** Faults that checks of several tasks find in different ways. */
export const SHARED = {
  requestId: { name: 'x-request-id:missing', sentence: 'answers have no x-request-id' },
  heads: { name: 'stream:head', sentence: 'the chunks of a stream differ in id, created or model' },
  usageNull: { name: 'stream:usage-null', sentence: 'with include_usage, chunks have no usage: null' },
  noCall: { name: 'tools:no-call', sentence: 'a required tool is not called' },
  argumentsJson: { name: 'arguments:json', sentence: 'the arguments of a call are not JSON' },
  argumentsObject: { name: 'arguments:object', sentence: 'the arguments of a call are not an object' },
  errorType: { name: 'error.type:value', sentence: 'error.type is none of the types of the API' },
} as const satisfies Record<string, Kind>;

/** The fault of another status. Undefined for a success instead of an error: see `toAcceptedKind`. */
export function toStatusKind(wanted: number, found: number): Kind | undefined {
  if (found === 200) return undefined;
  return { name: `status:${found}-for-${wanted}`, sentence: `an answer has status ${found} instead of ${wanted}` };
}

/**
 * The fault of a request that a server accepts although it must refuse it. `what` is the title of the check, such as
 * "an unknown model is a 404": checks of several routes send the same wrong request. Undefined for another title.
 */
export function toAcceptedKind(what: string): Kind | undefined {
  const [, subject, verb] = /^(.+?) (is|are) (?:refused|an? \d{3})\b/.exec(what) ?? [];
  if (subject === undefined) return undefined;
  return {
    name: `accepted:${subject.replaceAll(/[^\w.]+/g, '-').replace(/-$/, '')}`,
    sentence: `${subject} ${verb} accepted`,
  };
}

/** The fault of a parameter that a server refuses although it must accept it. */
export function toRefusalKind(param: string | undefined): Kind {
  if (param === undefined) return { name: 'refusal', sentence: 'a request is refused without the name of a parameter' };
  // FastAPI puts the part of the request before the name.
  const place = param.replace(/^body\./, '').replaceAll(/\.\d+|\[\d+\]/g, '[]');
  return { name: `refusal:${place}`, sentence: `"${place}" is refused` };
}
