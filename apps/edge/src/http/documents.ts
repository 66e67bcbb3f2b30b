import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { FastifyInstance } from 'fastify';
import { sendPages } from './security-headers.js';

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Rapport API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <main id="reference"></main>
    <noscript>The description itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

const start = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
});
`;

/**
 * Serves the API's description at /openapi.json, and at /docs for people. Everything comes from this process, which makes and
 * reads each document when it is first asked for.
 */
export async function registerDocuments(
  server: FastifyInstance,
  openApi: () => Record<string, unknown>,
  isTls: boolean,
): Promise<void> {
  const require = createRequire(import.meta.url);
  const library = (file: string) => readFileSync(require.resolve(`swagger-ui-dist/${file}`));
  addDocument(server, { url: '/openapi.json', type: 'application/json', make: () => JSON.stringify(openApi()) });
  const pages: Document[] = [
    { url: '/docs', type: 'text/html; charset=utf-8', make: () => page },
    { url: '/docs/start.js', type: 'text/javascript', make: () => start },
    { url: '/docs/swagger-ui-bundle.js', type: 'text/javascript', make: () => library('swagger-ui-bundle.js') },
    { url: '/docs/swagger-ui.css', type: 'text/css', make: () => library('swagger-ui.css') },
  ];
  await server.register(async (scope) => {
    sendPages(scope, isTls);
    for (const document of pages) addDocument(scope, document);
  });
}

interface Document {
  url: string;
  type: string;
  make: () => string | Buffer;
}

function addDocument(scope: FastifyInstance, { url, type, make }: Document): void {
  let content: string | Buffer | undefined;
  scope.get(url, async (_request, reply) =>
    reply
      .type(type)
      .header('cache-control', 'public, max-age=300')
      .send((content ??= make())),
  );
}
