/** Something about images that its user can put right; the message says how. */
export class ImageError extends Error {}
