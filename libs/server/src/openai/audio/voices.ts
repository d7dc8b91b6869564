import { EngineNotReadyError, InvalidInputError } from '@xim/engine';
import { VoiceList } from '@xim/openai-schema';
import type { RoutePlugin, ServiceContext } from '../../context.ts';
import { failures } from '../../http/schema-compilers.ts';

export interface Voices {
  /** The model's voice for a name that a client sent. Throws InvalidInputError that lists the names there are. */
  resolve(name: string): string;
  /** `GET /v1/audio/voices`. */
  readonly route: RoutePlugin;
}

/** The names of voices that requests may send: the engine's own, and the aliases of models.json for them. */
export function createVoices({ info, model }: Pick<ServiceContext, 'info' | 'model'>): Voices {
  /** Name → voice, the engine's own first; undefined while no engine is ready. */
  const byName = (): ReadonlyMap<string, string> | undefined => {
    const ready = info();
    if (ready === undefined) return undefined;
    const own = ready.voices ?? [];
    const aliases = Object.entries(model.voiceAliases ?? {}).filter(([, voice]) => own.includes(voice));
    // An alias never hides a voice of its name.
    return new Map([
      ...own.map((voice): [string, string] => [voice, voice]),
      ...aliases.filter(([name]) => !own.includes(name)),
    ]);
  };

  return {
    resolve(name) {
      const voices = byName();
      const voice = voices === undefined ? name : voices.get(name);
      if (voice !== undefined) return voice;
      throw new InvalidInputError(
        `There is no voice "${name.slice(0, 100)}". There are: ${[...voices!.keys()].join(', ')}.`,
        { param: 'voice' },
      );
    },
    route: async (app) => {
      const schema = {
        tags: ['audio'],
        summary: 'List the names that requests may send as voice',
        response: { 200: VoiceList, ...failures },
      };
      app.get('/v1/audio/voices', { schema }, (): VoiceList => {
        const voices = byName();
        if (voices === undefined) throw new EngineNotReadyError('The voices are known when the engine is ready.');
        return {
          voices: [...voices].map(([id, name]) => ({ id, name, object: 'audio.voice', created_at: model.created })),
        };
      });
    },
  };
}
