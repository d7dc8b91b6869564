import { type EngineFactory, XimError } from '@xim/engine';

/** Gives the factory of an engine by its name; rejects with an `XimError` where there is none. */
export type LoadEngine = (name: string) => Promise<EngineFactory>;

/** The engine's package is `@xim/engine-<name>`, and exports one factory. */
export const loadEngine: LoadEngine = async (name) => {
  const packageName = `@xim/engine-${name}`;
  const exported = await import(packageName).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new XimError(
      'XIM_NO_ENGINE',
      `the engine "${name}" is not installed here, and the plan needs its figures: npm install ${packageName}`,
    );
  });
  const factory = Object.values(exported as object).find((value) => (value as EngineFactory | null)?.name === name);
  if (factory === undefined) throw new XimError('XIM_NO_ENGINE', `${packageName} exports no engine "${name}".`);
  return factory as EngineFactory;
};
