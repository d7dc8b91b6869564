import { z } from 'zod';
import { expectError, fetchJson } from '../answers.ts';
import type { Check, Context } from '../check.ts';
import { expectShape, expectThat } from '../expectations.ts';
import { seconds } from '../chat-calls.ts';

export const MODELS = '/v1/models';
const Model = z.looseObject({
  id: z.string().min(1),
  object: z.literal('model'),
  created: seconds,
  owned_by: z.string(),
});
const List = z.looseObject({ object: z.literal('list'), data: z.array(Model).min(1) });

const list = async (context: Context) => expectShape(List, await fetchJson(context, { path: MODELS }), 'the list');

export const modelChecks: readonly Check[] = [
  {
    id: 'models.list',
    title: 'the list has id, object, created and owned_by of each model',
    why: 'Open WebUI, LibreChat and the SDKs build their menus from it.',
    async run(context) {
      await list(context);
    },
  },
  {
    id: 'models.created-stable',
    title: 'created does not change between calls',
    why: 'Clients that cache the list treat a new time as a new model.',
    async run(context) {
      const created = async () => JSON.stringify((await list(context)).data.map((model) => [model.id, model.created]));
      const [first, second] = [await created(), await created()];
      expectThat(first === second, first, second);
    },
  },
  {
    id: 'models.served',
    title: 'the model of the requests is in the list',
    why: 'Clients check the name before they use it.',
    async run(context) {
      const ids = (await list(context)).data.map(({ id }) => id);
      expectThat(ids.includes(context.model), context.model, ids);
    },
  },
  ...(
    [
      ['encoded', 'with its slashes encoded', encodeURIComponent],
      ['plain', 'with its slashes as they are', (id: string) => id],
    ] as const
  ).map(([id, title, toPath]): Check => ({
    id: `models.retrieve.${id}`,
    title: `a model is found by its id, ${title}`,
    why: 'The SDKs for Node and Python encode the same id differently in the path.',
    async run(context) {
      const model = expectShape(Model, await fetchJson(context, { path: `${MODELS}/${toPath(context.model)}` }), 'the model'); // prettier-ignore
      expectThat(model.id === context.model, context.model, model.id);
    },
  })),
  {
    id: 'models.unknown',
    title: 'an unknown model is a 404 with code model_not_found',
    why: 'Clients request the model before they choose another model.',
    async run(context) {
      const answer = await context.send({ path: `${MODELS}/no-such-model` });
      expectError(answer, { status: 404, code: 'model_not_found' });
    },
  },
];
