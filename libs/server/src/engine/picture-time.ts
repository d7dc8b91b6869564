import type { ImageDefaults, ImageInput, Log } from '@xim/engine';

/**
 * Seconds that pictures take on this host while nothing else runs, from one step that was measured at the start. For a
 * picture that starts from another one it is the least: its steps follow from `strength`. Undefined where the size
 * depends on a picture that nobody has read yet.
 */
export function estimateSeconds(
  input: Pick<ImageInput, 'width' | 'height' | 'steps' | 'count' | 'image' | 'strength'>,
  defaults: ImageDefaults,
): number | undefined {
  if (input.image && (input.width === undefined || input.height === undefined)) return undefined;
  const { width = defaults.width, height = defaults.height, steps = defaults.steps, count = 1 } = input;
  const area = (width * height) / (defaults.width * defaults.height);
  const share = input.image ? (input.strength ?? 0) : 1;
  return count * area * (steps * share * defaults.stepSeconds + defaults.otherSeconds);
}

/** Tells how long a picture takes; a warning where that is longer than requests may take. */
export function logPictureTime(log: Log, defaults: ImageDefaults, timeoutSeconds: number): void {
  const { width, height, steps } = defaults;
  const seconds = Number(estimateSeconds({}, defaults)!.toPrecision(2));
  const facts = { size: `${width}x${height}`, steps, seconds };
  if (seconds <= timeoutSeconds) return log.info(facts, 'a picture takes about this long');
  const remedy = 'raise XIM_REQUEST_TIMEOUT_SECONDS, or ask for fewer steps';
  log.warn({ ...facts, timeoutSeconds }, `A PICTURE TAKES LONGER THAN A REQUEST MAY: ${remedy}`);
}
