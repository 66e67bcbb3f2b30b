import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { once } from '@rapport/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasCurrent } from '../cache/cached-answer.js';
import { routeUnknown } from '../http/handle-error.js';
import { pageHeaders, type SecurityHeaders } from '../http/security-headers.js';
import { prefers } from '../routes/accept-header.js';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/** Everything comes from this origin, and only the console's own code can put markup into a page. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** First steps of the paths of other parts of the edge: an unknown one is no page of the console. */
const stepsOfOthers = String.raw`v1|docs|oauth|console|openapi[^/]*|livez|readyz|metrics|\.well-known`;

/** A file as it is sent, by content coding. */
interface ServedFile {
  type: string;
  etag: string;
  /** Its name has a hash of its content. */
  isImmutable: boolean;
  contents: Readonly<Partial<Record<'br' | 'gzip' | 'identity', Buffer>>>;
}

const placeholder = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Rapport</title></head>
<body><h1>Rapport</h1><p>This edge has no console. The API is described at <a href="/docs">/docs</a>.</p></body></html>
`;

export interface ConsoleFilesOptions {
  /** Where the built console is. Each file is read when it is first asked for. A placeholder is served when the folder does not exist. */
  folder: string | undefined;
  isTls: boolean;
  /** `host:port` of requests that get no page of the console: those of the provider, when it has a host of its own. */
  refusedHost: string | undefined;
  /** First steps of the paths of public pages. */
  pageSteps: readonly string[];
}

/**
 * The files of the console, in memory with their compressed copies: only names that were there at the start are ever looked
 * up on disk. The build writes the copies (`tools/bundle-app.ts`).
 */
export class ConsoleFiles {
  readonly #files: ReadonlyMap<string, () => ServedFile>;
  readonly #headers: SecurityHeaders;
  readonly #ofOthers: RegExp;

  constructor(private readonly options: ConsoleFilesOptions) {
    this.#files = readFiles(options.folder);
    this.#ofOthers = new RegExp(`^/(?:${[stepsOfOthers, ...options.pageSteps].join('|')})(?:[/?]|$)`);
    this.#headers = { ...pageHeaders(options.isTls), 'content-security-policy': contentSecurityPolicy };
  }

  /** Adds a route for each file, and one for all assets: a route for each of them takes a tenth of the edge's start. */
  register(server: FastifyInstance): void {
    for (const [url, file] of this.#files) {
      if (!url.startsWith(assets)) server.get(url, async (request, reply) => this.#answer(request, reply, file));
    }
    server.get<{ Params: { '*': string } }>(`${assets}*`, async (request, reply) => {
      const file = this.#files.get(`${assets}${request.params['*']}`);
      return file ? this.#answer(request, reply, file) : reply.callNotFound();
    });
  }

  #answer(request: FastifyRequest, reply: FastifyReply, file: () => ServedFile): FastifyReply {
    if (this.#isRefused(request)) throw routeUnknown();
    return this.#send(request, reply, file());
  }

  /** Answers a request that matches no route with the first page of the console, if it asks for a page. @returns false otherwise */
  answerPage(request: FastifyRequest, reply: FastifyReply): boolean {
    const { method, url, headers } = request;
    if ((method !== 'GET' && method !== 'HEAD') || this.#ofOthers.test(url) || this.#isRefused(request)) return false;
    const index = this.#files.get('/');
    if (!index || !prefers(headers.accept, 'text/html', 'application/json')) return false;
    this.#send(request, reply, index());
    return true;
  }

  #isRefused({ host }: FastifyRequest): boolean {
    return host === this.options.refusedHost;
  }

  #send({ headers }: FastifyRequest, reply: FastifyReply, file: ServedFile): FastifyReply {
    const { type, etag, isImmutable, contents } = file;
    void reply
      .headers(this.#headers)
      .headers({ etag, vary: 'accept-encoding' })
      .header('cache-control', isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    const known = headers['if-none-match'];
    if (known !== undefined && hasCurrent(known, etag)) return reply.code(304).send();
    const coding = (['br', 'gzip'] as const).find((each) => contents[each] && takes(headers['accept-encoding'], each));
    if (coding) void reply.header('content-encoding', coding);
    return reply.type(type).send(contents[coding ?? 'identity']);
  }
}

const assets = '/assets/';

function readFiles(folder: string | undefined): Map<string, () => ServedFile> {
  if (folder === undefined || !existsSync(folder))
    return new Map([['/', once(() => fileOf('/index.html', Buffer.from(placeholder)))]]);
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
  const copies = new Set(names.filter((name) => ['.br', '.gz'].includes(extname(name))));
  const read = (name: string) => (copies.has(name) ? readFileSync(join(folder, name)) : undefined);
  return new Map(
    names
      .filter((name) => !copies.has(name))
      .map((name) => {
        const file = once(() =>
          fileOf(`/${name}`, readFileSync(join(folder, name)), read(`${name}.br`), read(`${name}.gz`)),
        );
        return [name === 'index.html' ? '/' : `/${name}`, file];
      }),
  );
}

function fileOf(path: string, identity: Buffer, br?: Buffer, gzip?: Buffer): ServedFile {
  return {
    type: types[extname(path)] ?? 'application/octet-stream',
    etag: `W/"${createHash('sha256').update(identity).digest('base64url').slice(0, 22)}"`,
    isImmutable: /^\/assets\/.+-[\w-]{8}\.\w+$/.test(path),
    contents: { identity, ...(br && { br }), ...(gzip && { gzip }) },
  };
}

/** Source: RFC 9110, section 12.5.3. */
function takes(header: string | string[] | undefined, coding: string): boolean {
  return String(header ?? '')
    .split(',')
    .some((each) => {
      const [name = '', weight = 'q=1'] = each.split(';').map((part) => part.trim().toLowerCase());
      return name === coding && Number(weight.slice(2)) > 0;
    });
}
