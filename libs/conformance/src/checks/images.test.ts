import { toPicture } from '../__fixtures__/fake-images.ts';
import type { Exchange } from '../__fixtures__/fake-exchange.ts';
import { accept, describeSpoiled, frames, header, refuseWhen, type Spoiled, whole } from '../__fixtures__/spoil.ts';
import { imageChecks } from './images.ts';

const refusing = imageChecks.map(({ id }) => id).filter((id) => /\.(invalid|unknown-model|edit-noise)\b/.test(id));

/** Puts another picture in the place of each. */
const picture = (format: string, size: (exchange: Exchange) => readonly [width: number, height: number]) =>
  whole((body, exchange) => {
    body.data = body.data?.map(() => ({ b64_json: toPicture(format, ...size(exchange), 1).toString('base64') }));
  });

const table: readonly Spoiled[] = [
  ['images.fields', 'no created', whole((body) => void delete body.created)],
  ['images.fields', 'no picture', whole((body) => void (body.data = []))],
  ['images.fields', 'noise', whole((body) => void (body.data = [{ b64_json: 'bm9pc2U=' }]))],
  ['images.n', 'one picture', whole((body) => void (body.data = body.data.slice(0, 1)))],
  ['images.n', 'the same picture twice', whole((body) => void (body.data[1] = body.data[0]))],
  ...['64x64', '64x96', '72x40'].map((size): Spoiled => [`images.size.${size}`, 'another size', picture('png', () => [64, 63])]), // prettier-ignore
  ['images.size.auto', 'another size', picture('png', ({ request }) => (request.size ? [64, 64] : [32, 32]))],
  ...['png', 'jpeg', 'webp'].flatMap((format): Spoiled[] => [
    [`images.format.${format}`, 'another format', picture(format === 'png' ? 'webp' : 'png', () => [64, 64])],
    [`images.format.${format}`, 'another size', picture(format, () => [64, 65])],
  ]),
  ['images.seed', 'other bytes', whole((body) => void (body.data = [{ b64_json: toPicture('png', 64, 64, Math.random()).toString('base64') }]))], // prettier-ignore
  ['images.seed', 'is ignored', picture('png', () => [64, 64])],
  ['images.stream', 'no usage', frames((all) => void delete all.at(-1).usage)],
  ['images.stream', 'no finished picture', frames((all) => all.slice(0, -1))],
  ['images.stream', 'indexes from 1', frames((all) => all.forEach((one) => (one.partial_image_index += 1)))],
  ['images.stream', 'the events of chats', frames((all) => [...all, '[DONE]'])],
  ['images.stream', 'a content type of JSON', header('content-type', 'application/json')],
  ['images.edit', 'another size', picture('png', () => [32, 32])],
  ['images.unknown-fields', 'refused', refuseWhen(({ x_unknown: value }) => value)],
  ...refusing.map((id): Spoiled => [id, 'accepted', accept()]),
];

describeSpoiled(imageChecks, table);
