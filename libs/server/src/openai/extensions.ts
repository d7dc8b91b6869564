import { type ExtensionField, extensionFields, type ExtensionRoute } from '@xim/openai-schema';
import type { preValidationHookHandler } from 'fastify';
import { isDeepStrictEqual } from 'node:util';
import { refusal } from '../errors/errors.ts';

/** A route's hook before its schema: throws InvalidInputError, by name, for extension fields that are refused. */
export function refuseExtensions(route: ExtensionRoute): preValidationHookHandler {
  const refused = extensionFields.filter((field) => field.treatment === 'refused' && field.routes.includes(route));
  return (request, _reply, done) => {
    const found = refused.find((field) => isAsked(field, request.body));
    done(
      found && refusal(found.name, `"${found.name}" is not supported by this service: ${found.note}`, 'Leave it out'),
    );
  };
}

function isAsked({ name, neutral = [] }: ExtensionField, body: unknown): boolean {
  const value = name.split('.').reduce<unknown>((at, key) => {
    return typeof at === 'object' && at !== null && Object.hasOwn(at, key)
      ? (at as Record<string, unknown>)[key]
      : null;
  }, body);
  return value != null && !neutral.some((one) => isDeepStrictEqual(one, value));
}
