/** A valid part of a model id, made from the name of a file or folder of this machine. */
export function toLocalName(name: string): string {
  return name.replaceAll(/[^\w.-]+|\.{2,}|-{2,}/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'model';
}

/** The owner in the id of a model of this machine. */
export const LOCAL_OWNER = 'local';

export function isLocalId(id: string): boolean {
  return id.startsWith(`${LOCAL_OWNER}/`);
}
