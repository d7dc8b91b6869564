import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { foldersWith } from '../check/folders.mjs';
import { chartValues, toValuesSchema, VALUES_SCHEMA } from './chart-values.ts';
import { ROOT } from './image.ts';

const APPS = foldersWith(ROOT, 'apps', 'models.json');
const readYaml = (path: string): unknown => parse(readFileSync(join(ROOT, path), 'utf8'));

it('the schema of the chart is the one of its values', () => {
  expect(readFileSync(VALUES_SCHEMA, 'utf8')).toBe(toValuesSchema());
});

it('values.yaml has every value', () => {
  expect(chartValues.safeParse(readYaml('xim/chart/values.yaml')).error).toBeUndefined();
});

it.each(APPS)('%s has values for its service and its task', (folder) => {
  const models = JSON.parse(readFileSync(join(ROOT, folder, 'models.json'), 'utf8')) as {
    models: { main: { task: string } };
  };
  expect(readYaml(`${folder}/values.yaml`)).toMatchObject({
    service: folder.split('/')[1],
    task: models.models.main.task,
  });
});

it.each(APPS)('the chart knows the task of %s', (folder) => {
  const { task } = readYaml(`${folder}/values.yaml`) as { task: string };
  expect(Object.keys(readYaml('xim/chart/files/tasks.yaml') as object)).toContain(task);
});
