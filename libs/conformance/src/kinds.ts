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

/**
 * The fault of another status. Undefined for a success instead of an error, since each request that a server accepts
 * by mistake is a fault of its own.
 */
export function toStatusKind(wanted: number, found: number): Kind | undefined {
  if (found === 200) return undefined;
  return { name: `status:${found}-for-${wanted}`, sentence: `an answer has status ${found} instead of ${wanted}` };
}

/** The fault of a parameter that a server refuses although it must accept it. */
export function toRefusalKind(param: string | undefined): Kind {
  if (param === undefined) return { name: 'refusal', sentence: 'a request is refused without the name of a parameter' };
  const place = param.replaceAll(/\.\d+|\[\d+\]/g, '[]');
  return { name: `refusal:${place}`, sentence: `"${place}" is refused` };
}
