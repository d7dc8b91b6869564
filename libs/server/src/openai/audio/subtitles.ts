import type { Segment } from '@xim/engine';

/** A SubRip file: numbered cues from 1. */
export function toSrt(segments: readonly Segment[]): string {
  return toCues(segments, ',')
    .map(({ times, text }, at) => `${at + 1}\n${times}\n${text.replaceAll('-->', '->')}\n\n`)
    .join('');
}

/** A WebVTT file (https://www.w3.org/TR/webvtt1/). */
export function toVtt(segments: readonly Segment[]): string {
  const escaped: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
  const cues = toCues(segments, '.').map(
    ({ times, text }) => `${times}\n${text.replace(/[&<>]/g, (character) => escaped[character]!)}\n\n`,
  );
  return `WEBVTT\n\n${cues.join('')}`;
}

/** Cues with text, each longer than nothing and none before the one in front of it. */
function toCues(segments: readonly Segment[], point: string): { times: string; text: string }[] {
  let last = 0;
  return segments.flatMap((segment) => {
    const text = segment.text.replace(/\s+/g, ' ').trim();
    if (text === '') return [];
    const start = Math.max(last, Math.round(segment.start * 1000));
    const end = Math.max(start + 1, Math.round(segment.end * 1000));
    last = start;
    return [{ text, times: `${toTime(start, point)} --> ${toTime(end, point)}` }];
  });
}

/** Milliseconds → `01:02:03,004`; hours have more digits where they need them. */
function toTime(milliseconds: number, point: string): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const seconds = Math.floor(milliseconds / 1000);
  const clock = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(two).join(':');
  return `${clock}${point}${String(milliseconds % 1000).padStart(3, '0')}`;
}
