/** The tasks of the contract (`Task` of @xim/engine, which a tool does not import; a test compares the two). */
export const TASKS = ['generate', 'embed', 'rerank', 'transcribe', 'speak', 'generateImage'] as const;

export type TaskName = (typeof TASKS)[number];

/** The result of a service with the task, as the beginning of a sentence. */
export const GIVES: Readonly<Record<TaskName, string>> = {
  generate: 'Text out of text',
  embed: 'Vectors for texts',
  rerank: 'The relevance of documents to a query',
  transcribe: 'Text out of speech',
  speak: 'Speech out of text',
  generateImage: 'Pictures out of text',
};

export function isTask(name: string): name is TaskName {
  return (TASKS as readonly string[]).includes(name);
}
