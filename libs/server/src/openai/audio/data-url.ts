/** The bytes of a base64 data URL (RFC 2397) of any audio; undefined where the text is none. */
export function readDataUrl(text: string): Uint8Array | undefined {
  const match =
    /^data:(?:(?:audio|video|application)\/[\w.+-]+)?(?:;[\w-]+=[^;,]*)*;base64,([A-Za-z0-9+/]+={0,2})$/i.exec(text);
  const data = match?.[1];
  if (data === undefined || data.length % 4 === 1) return undefined;
  return new Uint8Array(Buffer.from(data, 'base64'));
}
