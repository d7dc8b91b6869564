import type { TaskName } from './check.ts';
import type { Answer, Send } from './client.ts';
import { UnreachableError } from './errors.ts';
import { tasks } from './tasks.ts';

/** The server under test. */
export interface Server {
  readonly model: string;
  readonly entry: Readonly<Record<string, unknown>>;
  readonly present: ReadonlySet<TaskName>;
  /** The reason for each missing task. */
  readonly probed: ReadonlyMap<TaskName, string>;
}

/** The name in requests if a server lists no model. Servers with one model accept any name or report theirs. */
const ANY_MODEL = 'default';

/** Finds the model and the tasks of a server. Throws an UnreachableError if no server answers. */
export async function examine(createSend: () => Send, wanted: string | undefined): Promise<Server> {
  const present = new Set<TaskName>();
  const probed = new Map<TaskName, string>();
  let models: Record<string, unknown>[] = [];
  for (const { name, probe } of tasks) {
    if (!probe) {
      present.add(name);
      continue;
    }
    const answer = await ask(createSend(), probe);
    if (isThere(answer)) present.add(name);
    else probed.set(name, `${probe.body ? 'POST' : 'GET'} ${probe.path} is a ${answer.status}`);
    if (name === 'models') models = toModels(answer);
  }
  const model = wanted ?? models.map(({ id }) => id).find((id) => typeof id === 'string') ?? ANY_MODEL;
  return { model, present, probed, entry: models.find(({ id }) => id === model) ?? {} };
}

async function ask(send: Send, probe: { path: string; body?: unknown }): Promise<Answer> {
  try {
    return await send(probe);
  } catch (error) {
    const { name, message } = error as Error;
    const timedOut = name === 'AbortError' || name === 'TimeoutError';
    throw new UnreachableError(timedOut ? `${probe.path} was not answered in time` : message);
  }
}

/** Whether a route exists. A 404 may also concern the model, since a probe does not name one. */
function isThere({ status, text }: Answer): boolean {
  return ![404, 405, 501].includes(status) || text.includes('model_not_found');
}

function toModels({ text }: Answer): Record<string, unknown>[] {
  try {
    const { data } = JSON.parse(text) as { data?: unknown };
    return Array.isArray(data) ? data.filter((one) => typeof one === 'object' && one !== null) : [];
  } catch {
    return [];
  }
}
