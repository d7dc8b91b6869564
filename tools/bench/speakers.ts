import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { workerPath } from './best-split.ts';
import { askMedia } from './media.ts';
import { ROOT, type Service } from './processes.ts';
import type { Figure } from './report.ts';
import type { Settings } from './settings.ts';
import { exactly } from './statistics.ts';

interface Turn {
  readonly start: number;
  readonly end: number;
  readonly voice: string;
}

interface Join {
  readonly file: string;
  readonly turns: readonly Turn[];
}

interface Segment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly speaker: string;
}

/**
 * Speakers of joined recordings: of the two voices that the thresholds were chosen on, and with a third. Confusion is the
 * share of the time of speech that has another speaker's name; a word has the name of its segment.
 */
export async function benchSpeakers(service: Service, settings: Settings): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'xim-bench-speakers-'));
  try {
    const voices = await settings.modelFolder('speech');
    const voice = join(
      voices,
      readdirSync(voices).find((name) => name.endsWith('.onnx'))!,
    );
    const clips = join(ROOT, 'libs/engine-oneapi/src/__fixtures__/speech');
    const python = join(settings.env['XIM_VENVS']!, 'speech@oneapi', 'bin', 'python');
    execFileSync(python, [join(ROOT, 'tools/bench/joined_voices.py'), clips, voice, folder], {
      env: { ...process.env, PYTHONPATH: workerPath('speech', 'audio') },
    });
    const joins = JSON.parse(readFileSync(join(folder, 'joins.json'), 'utf8')) as readonly Join[];
    const figures: Figure[] = [];
    for (const count of [2, 3]) {
      const found = { speech: 0, confused: 0, words: 0, wrong: 0, right: 0, joins: 0 };
      for (const { file, turns } of joins.filter((each) => basename(each.file).startsWith(`${count}-`))) {
        const segments = await segmentsOf(service, file);
        const names = nameVoices(segments, turns);
        for (const segment of segments) {
          const voice = names.get(segment.speaker);
          for (const turn of turns) {
            const shared = overlap(segment, turn);
            found.speech += shared;
            if (turn.voice !== voice) found.confused += shared;
          }
          const words = segment.text.trim().split(/\s+/).length;
          found.words += words;
          if (longest(segment, turns).voice !== voice) found.wrong += words;
        }
        found.joins++;
        if (new Set(segments.map(({ speaker }) => speaker)).size === count) found.right++;
      }
      const of = `${count} voices`;
      figures.push(
        {
          name: `${of}: speaker confusion`,
          unit: `of ${found.speech.toFixed()} s`,
          value: exactly(found.confused / found.speech),
        },
        {
          name: `${of}: words with the right speaker`,
          unit: `of ${found.words}`,
          value: exactly(1 - found.wrong / found.words),
        },
        { name: `${of}: joins with ${count} speakers found`, unit: `of ${found.joins}`, value: exactly(found.right) },
      );
    }
    return figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function segmentsOf({ port }: Service, file: string): Promise<readonly Segment[]> {
  const form = new FormData();
  form.set('file', new File([readFileSync(file)], 'join.wav'));
  form.set('model', 'whisper-1');
  form.set('language', 'en');
  form.set('response_format', 'diarized_json');
  const { body } = await askMedia(`http://127.0.0.1:${port}/v1/audio/transcriptions`, form);
  return (JSON.parse(body.toString()) as { segments: readonly Segment[] }).segments;
}

/** The voice of each speaker that was found: the pairs with the longest common time first, each voice once. */
function nameVoices(segments: readonly Segment[], turns: readonly Turn[]): ReadonlyMap<string, string> {
  const times = new Map<string, number>();
  for (const segment of segments) {
    for (const turn of turns) {
      const pair = `${segment.speaker}\n${turn.voice}`;
      times.set(pair, (times.get(pair) ?? 0) + overlap(segment, turn));
    }
  }
  const names = new Map<string, string>();
  for (const [pair] of [...times].sort(([, one], [, other]) => other - one)) {
    const [speaker, voice] = pair.split('\n') as [string, string];
    if (!names.has(speaker) && ![...names.values()].includes(voice)) names.set(speaker, voice);
  }
  return names;
}

function longest(segment: Segment, turns: readonly Turn[]): Turn {
  return turns.reduce((best, turn) => (overlap(segment, turn) > overlap(segment, best) ? turn : best));
}

function overlap(one: { start: number; end: number }, other: { start: number; end: number }): number {
  return Math.max(0, Math.min(one.end, other.end) - Math.max(one.start, other.start));
}
