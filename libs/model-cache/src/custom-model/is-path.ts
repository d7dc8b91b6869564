/** Whether the name of a model is a path of this machine, and no name on the hub. */
export function isPath(text: string): boolean {
  return /^(?:\/|\.\.?\/|\.\.?$)/.test(text) || (/\.gguf$/i.test(text) && !text.includes('#'));
}
