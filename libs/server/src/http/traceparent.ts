/** The trace id of a W3C `traceparent` header; undefined when there is none or it is invalid (https://www.w3.org/TR/trace-context/). */
export function toTraceId(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/.exec(header);
  if (!match) return undefined;
  const [, version, trace, span, rest] = match;
  const valid =
    version !== 'ff' && !/^0+$/.test(trace!) && !/^0+$/.test(span!) && (version !== '00' || rest === undefined);
  return valid ? trace : undefined;
}
