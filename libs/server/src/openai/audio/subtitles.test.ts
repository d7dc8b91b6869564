import { describe, expect, it } from 'vitest';
import { toSrt, toVtt } from './subtitles.ts';

const cue = (start: number, end: number, text: string) => ({ id: 0, start, end, text });

describe('subtitles', () => {
  it('number cues from 1, count hours, and keep milliseconds whole', () => {
    const segments = [cue(0, 1.9996, ' One.'), cue(3599.9999, 3661.007, ' Two.'), cue(360_000, 360_001.5, ' Three.')];
    expect(toSrt(segments)).toBe(
      '1\n00:00:00,000 --> 00:00:02,000\nOne.\n\n' +
        '2\n01:00:00,000 --> 01:01:01,007\nTwo.\n\n' +
        '3\n100:00:00,000 --> 100:00:01,500\nThree.\n\n',
    );
    expect(toVtt(segments.slice(0, 1))).toBe('WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nOne.\n\n');
  });

  it('have no cue without text or length, and none before the one in front of it', () => {
    const segments = [cue(1, 2, '  '), cue(2, 2, ' a'), cue(1.5, 1.7, ' b')];
    expect(toSrt(segments)).toBe('1\n00:00:02,000 --> 00:00:02,001\na\n\n2\n00:00:02,000 --> 00:00:02,001\nb\n\n');
    expect([toSrt([]), toVtt([])]).toEqual(['', 'WEBVTT\n\n']);
  });

  it('let no text break a file', () => {
    const segments = [cue(0, 1, ' a\n\n2\n00:00 --> <b>&')];
    expect(toSrt(segments)).toBe('1\n00:00:00,000 --> 00:00:01,000\na 2 00:00 -> <b>&\n\n');
    expect(toVtt(segments)).toContain('\na 2 00:00 --&gt; &lt;b&gt;&amp;\n');
  });
});
