import type { Exchange, Tamper } from '../__fixtures__/fake-exchange.ts';
import { accept, describeSpoiled, frames, header, refuseWhen, type Spoiled, whole } from '../__fixtures__/spoil.ts';
import { transcribeChecks } from './transcribe.ts';

const refusing = transcribeChecks.map(({ id }) => id).filter((id) => /\.(invalid|unknown-model|json-body)\b/.test(id));
/** Changes bare text. */
const bare =
  (spoil: (text: string) => string): Tamper =>
  (exchange) => {
    if (exchange.status === 200 && typeof exchange.body === 'string') exchange.body = spoil(exchange.body);
  };
const failing = (test: (exchange: Exchange) => unknown): Tamper => (exchange) => void (test(exchange) && (exchange.status = 500)); // prettier-ignore
const sizes = ({ request }: Exchange) => Buffer.isBuffer(request?.file) && request.file.length > 4 && request.file.readUInt32LE(4); // prettier-ignore

let answers = 0;

const table: readonly Spoiled[] = [
  ['transcribe.default', 'no text', whole((body) => void delete body.text)],
  ['transcribe.text', 'a JSON string', bare((text) => JSON.stringify(text))],
  ['transcribe.text', 'another text', bare((text) => text.slice(4))],
  ['transcribe.srt', 'points in the times', bare((text) => text.replaceAll(',', '.'))],
  ['transcribe.srt', 'numbers from 0', bare((text) => text.replace(/^\d$/gm, (number) => String(Number(number) - 1)))],
  ['transcribe.srt', 'an empty cue', bare((text) => text.replace('two', ''))],
  ['transcribe.srt', 'the order of chance', bare((text) => text.replace('00:00:01,000 -->', '00:00:02,500 -->'))],
  ['transcribe.vtt', 'no head', bare((text) => text.slice('WEBVTT\n\n'.length))],
  ['transcribe.vtt', 'commas in the times', bare((text) => text.replaceAll('.', ','))],
  ['transcribe.verbose', 'a code for the language', whole((body) => void (body.language = 'en'))],
  ['transcribe.verbose', 'a duration as text', whole((body) => void (body.duration = '3'))],
  ['transcribe.verbose', 'no tokens', whole((body) => void delete body.segments?.[0].tokens)],
  ['transcribe.verbose', 'times beyond the end', whole((body) => void (body.segments && (body.segments[2].end = 30)))],
  ['transcribe.words.bracketed', 'null', whole((body) => void (body.words = null))],
  ['transcribe.words.bare', 'ignored', whole((body) => void delete body.words)],
  ['transcribe.logprobs', 'an empty list', whole((body) => void (body.logprobs &&= []))],
  ['transcribe.logprobs', 'a probability', whole((body) => void (body.logprobs && (body.logprobs[0].logprob = 0.9)))],
  ['transcribe.diarized', 'no speaker', whole((body) => void delete body.segments?.[1].speaker)],
  ['transcribe.diarized', 'refused for another parameter', refuseWhen((form) => form.response_format === 'diarized_json', 'file')], // prettier-ignore
  ['transcribe.stream', 'a delta is lost', frames((all) => all.slice(1))],
  ['transcribe.stream', 'no last event', frames((all) => all.slice(0, -1))],
  ['transcribe.stream', 'the end of chats', frames((all) => [...all, '[DONE]'])],
  ['transcribe.stream', 'a content type of JSON', header('content-type', 'application/json')],
  ['transcribe.chunking.auto', 'an error', failing(({ request }) => request?.chunking_strategy)],
  ['transcribe.chunking.object', 'an error', failing(({ request }) => request?.['chunking_strategy[type]'])],
  ['transcribe.language-name', 'an empty one refused', refuseWhen((form) => form.language === '', 'language')],
  ['transcribe.wav-piped', 'an error', failing((exchange) => sizes(exchange) === 0xff_ff_ff_ff)],
  ['transcribe.file-name', 'another text', whole((body, { request }) => void (request.file && (body.text = String((answers += 1)))))], // prettier-ignore
  ['transcribe.parallel', 'one format for all', bare(() => '{"text": "one"}')],
  ['transcribe.translation', 'takes diarized_json', accept()],
  ['transcribe.unknown-fields', 'refused', refuseWhen((form) => form.x_unknown)],
  ...refusing.map((id): Spoiled => [id, 'accepted', accept()]),
];

describeSpoiled(transcribeChecks, table);
