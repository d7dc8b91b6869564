// Turns a command line into an Engine.
export { createWorkerEngine } from './worker-engine.ts';
export type { WorkerOptions, WorkerSpec } from './worker-engine.ts';

export { pythonWorkerSpec } from './python-worker-spec.ts';
export type { PythonWorker } from './python-worker-spec.ts';

// Where the Python of a package lies, from source, from dist and in a bundle.
export { pythonFolder } from './python-folder.ts';
