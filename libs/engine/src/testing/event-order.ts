import { expect } from 'vitest';
import type { GenerateEvent, GenerateInput, ImageInput, Task } from '../index.ts';
import type { EventOf, InputOf } from './samples.ts';

/** Fails unless these are all events of one finished call, in the order that the contract promises. */
export function checkEvents<T extends Task>(task: T, input: InputOf[T], events: readonly EventOf[T][]): void {
  checks[task](input, events);
}

const checks: { readonly [T in Task]: (input: InputOf[T], events: readonly EventOf[T][]) => void } = {
  generate: checkGenerate,
  embed(input, events) {
    expect(events.map((event) => event.type)).toEqual(['result']);
    const { vectors, dimensions, inputTokens } = events[0]!.output;
    if (input.dimensions !== undefined) expect(dimensions).toBe(input.dimensions);
    expect(vectors).toBeInstanceOf(Float32Array);
    expect(vectors.length).toBe(input.items.length * dimensions);
    expect(inputTokens).toBeGreaterThanOrEqual(input.items.length);
    const most = input.truncate?.tokens ?? Infinity;
    expect(inputTokens).toBeLessThanOrEqual(most * input.items.length);
    for (let row = 0; row < input.items.length; row++) {
      const length = Math.hypot(...vectors.subarray(row * dimensions, (row + 1) * dimensions));
      expect(length, `length of vector ${row}`).toBeCloseTo(1, 3);
    }
  },
  rerank(input, events) {
    expect(events.map((event) => event.type)).toEqual(['result']);
    const { scores, kind, inputTokens } = events[0]!.output;
    expect(['log-odds', 'cosine']).toContain(kind);
    expect(scores).toBeInstanceOf(Float32Array);
    expect(scores.length).toBe(input.documents.length);
    const most = kind === 'cosine' ? 1 : Number.MAX_VALUE;
    expect(
      [...scores].every((score) => Math.abs(score) <= most),
      `finite numbers, at most ${most}`,
    ).toBe(true);
    const queries = kind === 'cosine' ? new Set(input.queries).size : input.documents.length;
    expect(inputTokens).toBeGreaterThanOrEqual(queries + input.documents.length);
  },
  transcribe(input, events) {
    const { start, end } = frame(events);
    expect(start.duration).toBeGreaterThan(0);
    expect(end.language).toMatch(/^[a-z]{2,3}$/);
    const segments = events.flatMap((event) => (event.type === 'segment' ? [event.segment] : []));
    expect(segments.map((segment) => segment.id)).toEqual(segments.map((_, number) => number));
    let before = 0;
    for (const segment of segments) {
      expect(segment.start).toBeGreaterThanOrEqual(before);
      expect(segment.end).toBeGreaterThanOrEqual(segment.start);
      // A model's clock is coarse: its last segment may end a little after the recording.
      expect(segment.end).toBeLessThanOrEqual(end.duration + 1);
      expect(segment.words !== undefined, 'words, if and only if asked for').toBe(input.words === true);
      expect(segment.logprobs !== undefined, 'logprobs, if and only if asked for').toBe(input.logprobs === true);
      if (segment.logprobs) {
        const bytes = segment.logprobs.flatMap((one) => one.bytes);
        expect(Buffer.from(bytes).toString(), 'the tokens, joined').toBe(segment.text);
        for (const { logprob } of segment.logprobs) expect(logprob).toBeLessThanOrEqual(0);
      }
      if (input.speakers && !input.speakers.known) expect(segment.speaker).toMatch(/^SPEAKER_\d\d$/);
      before = segment.start;
    }
    const progress = events.flatMap((event) => (event.type === 'progress' ? [event.seconds] : []));
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  },
  speak(input, events) {
    const { start, end } = frame(events);
    const audio = events.flatMap((event) => (event.type === 'audio' ? [event.bytes] : []));
    expect(events.length).toBe(audio.length + 2);
    expect(audio.length).toBeGreaterThan(0);
    expect(end.duration).toBeGreaterThan(0);
    expect(start.mediaType).toMatch(/^audio\//);
    if (input.format === 'wav') {
      const file = Buffer.concat(audio);
      expect(file.toString('latin1', 0, 4) + file.toString('latin1', 8, 12)).toBe('RIFFWAVE');
      expect(file.readUInt32LE(24), 'sample rate in the head of the file').toBe(start.sampleRate);
    }
  },
  generateImage: checkGenerateImage,
};

/** The first and the last event, which are `start` and `end` and occur once. */
function frame<E extends { readonly type: string }>(events: readonly E[]) {
  const types = events.map((event) => event.type);
  expect([types.indexOf('start'), types.lastIndexOf('start')], 'places of start').toEqual([0, 0]);
  expect([types.indexOf('end'), types.lastIndexOf('end')], 'places of end').toEqual(Array(2).fill(types.length - 1));
  return {
    start: events[0] as Extract<E, { type: 'start' }>,
    end: events[events.length - 1] as Extract<E, { type: 'end' }>,
  };
}

function checkGenerate(input: GenerateInput, events: readonly GenerateEvent[]): void {
  const { start, end } = frame(events);
  expect(start.inputTokens).toBeGreaterThan(0);
  expect(end.usage.inputTokens).toBe(start.inputTokens);
  const ids = start.promptTokens?.map((list) => list.length);
  expect(ids, 'ids of the prompt, if and only if asked for').toEqual(input.tokenIds ? [start.inputTokens] : undefined);
  let tokens = 0;
  for (let choice = 0; choice < (input.choices ?? 1); choice++) {
    const own = events.filter((event) => 'choice' in event && event.choice === choice);
    tokens += checkChoice(input, own);
  }
  const scored = events.flatMap((event) => (event.type === 'prompt-logprobs' ? [event] : []));
  expect(scored.length, 'probabilities of the prompt, if and only if asked for').toBe(
    input.promptLogprobs === undefined ? 0 : 1,
  );
  for (const { choice, logprobs } of scored) {
    expect(choice).toBe(0);
    expect(logprobs.length).toBe(start.inputTokens);
    expect(logprobs.map((entry) => entry.logprob === null)).toEqual(logprobs.map((_, at) => at === 0));
    for (const { top } of logprobs) expect(top.length).toBeLessThanOrEqual(input.promptLogprobs!);
  }
  for (const event of events) {
    if (event.type !== 'choice-end') continue;
    expect(event.tokens !== undefined, 'ids, if and only if asked for').toBe(input.tokenIds === true);
    if (event.tokens) expect(event.tokens.prompt).toEqual(start.promptTokens![0]);
  }
  if (input.truncate !== undefined) expect(start.inputTokens).toBeLessThanOrEqual(input.truncate);
  expect(end.usage.outputTokens).toBeGreaterThanOrEqual(tokens);
  expect(events.filter((event) => event.type === 'choice-end').length).toBe(input.choices ?? 1);
}

/** Returns the tokens that the choice's deltas stand for. */
function checkChoice(input: GenerateInput, events: readonly GenerateEvent[]): number {
  const last = events.at(-1);
  expect(last?.type, 'the last event of a choice').toBe('choice-end');
  const calls: number[] = [];
  let tokens = 0;
  let text = '';
  for (const event of events) {
    if (event.type === 'tool-call') {
      expect(event.call, 'tool calls are numbered from 0').toBe(calls.length);
      expect(event.id + event.name).not.toBe('');
      calls.push(event.call);
    } else if (event.type === 'tool-call-delta') {
      expect(calls, 'a tool call comes before its deltas').toContain(event.call);
    } else if (event.type === 'text-delta' || event.type === 'reasoning-delta') {
      expect(event.text, 'text in whole characters').not.toMatch(/\p{Surrogate}/u);
      const echoed = input.echo === true && event.tokens === 0;
      if (input.logprobs !== undefined && !echoed)
        expect(event.logprobs?.length, 'one entry per token').toBe(event.tokens);
      for (const entry of event.logprobs ?? []) {
        if (!echoed || entry.logprob !== null) expect(entry.logprob).toBeLessThanOrEqual(0);
        expect(entry.top.length).toBeLessThanOrEqual(input.logprobs ?? 0);
      }
      tokens += event.tokens;
      if (event.type === 'text-delta') text += event.text;
    }
  }
  if (!input.includeStop && !input.echo)
    for (const stop of input.stop ?? []) expect(text, 'a stop text is left out').not.toContain(stop);
  if (last?.type === 'choice-end' && last.stop !== undefined) {
    expect(input.stop, 'what ended the choice was asked for').toContain(last.stop);
    if (input.includeStop) expect(text.endsWith(last.stop), 'the text ends with its stop text').toBe(true);
  }
  if (input.maxTokens !== undefined) expect(tokens).toBeLessThanOrEqual(input.maxTokens);
  if (last?.type === 'choice-end') {
    // A choice that was cut may have begun calls, and the last of them is cut.
    if (last.reason === 'tool-calls') expect(calls.length, 'calls of a choice that ends for them').toBeGreaterThan(0);
    if (last.reason === 'stop') expect(calls.length, 'calls of a choice that the model ended').toBe(0);
  }
  checkCalls(input, calls.length, last?.type === 'choice-end' && last.reason === 'length');
  if (input.echo && 'text' in input.prompt) expect(text.slice(0, input.prompt.text.length)).toBe(input.prompt.text);
  if (input.logprobs !== undefined && calls.length === 0) {
    const entries = events.flatMap((event) => (event.type === 'text-delta' ? (event.logprobs ?? []) : []));
    const bytes = Buffer.from(text);
    const joined = Buffer.from(entries.flatMap((entry) => entry.bytes));
    expect(joined.subarray(0, bytes.length).toString(), 'the joined tokens').toBe(text);
    const past = joined.length - bytes.length;
    if (past > 0) expect(entries.at(-1)!.bytes.length, 'a last token that the text ends within').toBeGreaterThan(past);
  }
  return tokens;
}

function checkCalls({ prompt }: GenerateInput, calls: number, cut: boolean): void {
  const { tools = [], toolChoice = undefined } = 'messages' in prompt ? prompt : {};
  if (tools.length === 0 || toolChoice?.mode === 'none') expect(calls, 'calls of no tool').toBe(0);
  if (toolChoice?.mode === 'required' && !cut) expect(calls, 'required calls').toBeGreaterThan(0);
  if (toolChoice?.parallel === false) expect(calls, 'one call at most').toBeLessThanOrEqual(1);
}

function checkGenerateImage(input: ImageInput, events: readonly EventOf['generateImage'][]): void {
  const { start, end } = frame(events);
  expect([start.width, start.height]).toEqual([input.width ?? start.width, input.height ?? start.height]);
  const { textTokens, imageTokens, outputTokens } = end.usage;
  for (const count of [textTokens, imageTokens, outputTokens]) expect(count).toBeGreaterThanOrEqual(0);
  expect(imageTokens > 0, 'input tokens of a picture, if and only if there is one').toBe(input.image !== undefined);
  const progress = events.flatMap((event) => (event.type === 'progress' ? [event] : []));
  for (const { step, of } of progress) expect(step).toBeLessThanOrEqual(of);
  expect(progress.map(({ step }) => step)).toEqual(progress.map(({ step }) => step).toSorted((a, b) => a - b));
  for (let index = 0; index < (input.count ?? 1); index++) {
    const own = events.flatMap((event) => (event.type === 'image' && event.index === index ? [event] : []));
    const partials = own.slice(0, -1).map((image) => image.partial);
    expect(own.at(-1)?.partial, 'the finished picture comes last').toBeUndefined();
    expect(partials).toEqual(partials.map((_, number) => number));
    expect(partials.length).toBeLessThanOrEqual(input.partials ?? 0);
    for (const { bytes, mediaType } of own) {
      expect(mediaType).toBe(`image/${input.format}`);
      if (input.format === 'png') {
        expect(sizeOfPng(bytes)).toEqual([start.width, start.height]);
      }
    }
  }
}

/** Width and height from the IHDR chunk (https://www.w3.org/TR/png-3/#11IHDR). */
function sizeOfPng(bytes: Uint8Array): [number, number] {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  expect(file.toString('latin1', 1, 4)).toBe('PNG');
  return [file.readUInt32BE(16), file.readUInt32BE(20)];
}
