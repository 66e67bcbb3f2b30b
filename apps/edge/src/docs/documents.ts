import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { apiVersion, asOpenApi30, openApiDocument, type Contract, type RestRoute } from '@rapport/contracts';
import { once } from '@rapport/platform';
import type { FastifyInstance } from 'fastify';
import { hasCurrent } from '../cache/cached-answer.js';
import { sendPages } from '../http/security-headers.js';
import style from './guide/guide.css?raw';
import { guidePage, guidePaths, layout } from './guide/guide.js';

/**
 * Swagger UI. Scalar's standalone file (@scalar/api-reference 1.76.0, tried in Chromium 156) sets styles in its elements: under
 * `style-src 'self'` the browser refuses 44 of them on the first page. It also names hosts of its own for fonts, a proxy and an agent.
 */
const reference = `<div id="reference"></div>
    <noscript>The description itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>`;

const start = `const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
});
`;

/** Everything comes from this origin, and no style or script stands in a page. Swagger UI has its icons as `data:`. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";

/**
 * Serves the API's description at /openapi.json, the same as OpenAPI 3.0 at /openapi-3.0.json, a guide at /docs, and the description for people at /docs/reference. Everything comes
 * from this process, which makes and reads each document when it is first asked for.
 *
 * @param written folder of the descriptions of this contract; undefined when they are to be made, each in a second of processor time
 */
export async function registerDocuments(
  server: FastifyInstance,
  contract: Contract,
  { routes, written, isTls }: { routes: readonly RestRoute[]; written: string | undefined; isTls: boolean },
): Promise<void> {
  const require = createRequire(import.meta.url);
  const library = (file: string) => readFileSync(require.resolve(`swagger-ui-dist/${file}`), 'utf8');
  const html = 'text/html; charset=utf-8';
  const json = 'application/json; charset=utf-8';
  const openApi = () => openApiDocument(contract, routes, apiVersion);
  const descriptions = { 'openapi.json': openApi, 'openapi-3.0.json': () => asOpenApi30(openApi()) };
  for (const [name, describe] of Object.entries(descriptions)) {
    const make = () => (written === undefined ? JSON.stringify(describe()) : readFileSync(join(written, name)));
    addDocument(server, { url: `/${name}`, type: json, make });
  }
  const pages: Document[] = [
    ...guidePaths.map((url) => ({ url, type: html, make: () => guidePage(url, contract) })),
    { url: '/docs/reference', type: html, make: () => layout('/docs/reference', 'Reference', reference, libraryStyle) },
    { url: '/docs/guide.css', type: 'text/css', make: () => style },
    { url: '/docs/start.js', type: 'text/javascript', make: () => start },
    { url: '/docs/swagger-ui-bundle.js', type: 'text/javascript', make: () => library('swagger-ui-bundle.js') },
    { url: '/docs/swagger-ui.css', type: 'text/css', make: () => library('swagger-ui.css') },
  ];
  await server.register(async (scope) => {
    sendPages(scope, isTls, { 'content-security-policy': contentSecurityPolicy });
    for (const document of pages) addDocument(scope, document);
  });
}

const libraryStyle = '<link rel="stylesheet" href="/docs/swagger-ui.css" />\n    ';

interface Document {
  url: string;
  type: string;
  make: () => string | Buffer;
}

function addDocument(scope: FastifyInstance, { url, type, make }: Document): void {
  const document = once(() => {
    const made = make();
    const content = typeof made === 'string' ? Buffer.from(made) : made;
    return { content, etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"` };
  });
  scope.get(url, async ({ headers }, reply) => {
    const { content, etag } = document();
    void reply.headers({ etag, 'cache-control': 'public, max-age=300' });
    const known = headers['if-none-match'];
    if (known !== undefined && hasCurrent(known, etag)) return reply.code(304).send();
    return reply.type(type).send(content);
  });
}
