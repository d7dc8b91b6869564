import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fp from 'fastify-plugin';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

/** In a bundled app the files of Swagger UI lie beside the bundle; elsewhere the package finds its own. */
const bundledFiles = fileURLToPath(new URL('./swagger-ui', import.meta.url));

/**
 * `GET /openapi.json`, made of the routes' own schemas, and `/docs` for people. Register it before the routes: it
 * learns of them as they come.
 */
export const docs = fp(
  async (app) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: `XIM: ${app.xim.name}`,
          version: 'v1',
          description: `Serves ${app.xim.model.id} under OpenAI’s API.`,
        },
        components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
        security: [{}, { key: [] }], // a key is needed only where the service has some
      },
      transform: jsonSchemaTransform,
      transformObject: (document) => {
        const complete = jsonSchemaTransformObject(document) as OpenApi;
        const used = { ...complete, components: { ...complete.components, schemas: usedSchemas(complete) } };
        return JSON.parse(JSON.stringify(used, withoutInfinity)) as never;
      },
    });

    app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      ...(existsSync(bundledFiles) && { baseDir: bundledFiles }),
      logo: { type: 'image/svg+xml', content: Buffer.from(LOGO) },
      theme: { title: `XIM: ${app.xim.name}` },
    });
  },
  { name: 'docs' },
);

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 40" height="40">' +
  '<text y="30" font-family="sans-serif" font-size="30" font-weight="bold" fill="#fff">XIM</text></svg>';

/** Zod writes the range of safe integers for "no limit". */
function withoutInfinity(_key: string, value: unknown): unknown {
  return typeof value === 'number' && Math.abs(value) === Number.MAX_SAFE_INTEGER ? undefined : value;
}

interface OpenApi {
  readonly paths?: object;
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
}

/** The schemas that the paths refer to, directly or not: all packages' schemas are registered, those of other tasks too. */
function usedSchemas({ paths, components }: OpenApi): Record<string, unknown> {
  const all = components?.schemas ?? {};
  const used: Record<string, unknown> = {};
  const visit = (part: unknown): void => {
    for (const [, name] of JSON.stringify(part ?? {}).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (name! in used) continue;
      used[name!] = all[name!];
      visit(all[name!]);
    }
  };
  visit(paths);
  return used;
}
