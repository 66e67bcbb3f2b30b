import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { restDocument, type RestServerOptions } from './rest-document.ts';

type Json = Record<string, unknown>;

interface Stored {
  content: Json;
  version: number;
  updatedMs: number;
}

interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Numbers stay as they are written. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };
const bearerToken = 'correct horse';

/** A service with people, which behaves correctly unless a test changes that. */
export class RestServer {
  readonly options: RestServerOptions;
  /** The received requests, with their credentials. */
  readonly requests: { method: string; path: string; authorization: string | undefined }[] = [];
  /** Answers in its place. */
  instead: ((request: IncomingMessage) => Answer | undefined) | undefined;
  /** Runs before a request is answered. */
  before: ((request: IncomingMessage) => void) | undefined;
  /** Holds up an answer. */
  hold: ((request: IncomingMessage) => Promise<void> | undefined) | undefined;
  document: unknown;
  readonly #people = new Map<number, Stored>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  #lastId = 0;

  private constructor(options: Partial<RestServerOptions>) {
    this.options = { paging: 'PAGE', method: 'patch', hasEtags: true, isSilent: false, ...options };
    this.document = restDocument(this.options);
  }

  static async start(options: Partial<RestServerOptions> = {}): Promise<RestServer> {
    const server = new RestServer(options);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api`;
  }

  /** What a connection needs, with all that it can do. */
  get configuration(): Json {
    return {
      ...{ url: this.url, documentUrl: `${this.url}/openapi.json`, path: '/people', bearerToken },
      ...{ listQuery: 'sort=updated_at', updatedField: 'updated_at', changedSince: 'updated_from={time}' },
      ...{ keyField: 'key', findByKey: 'key={key}', pageSize: 4, lateSeconds: 0 },
    };
  }

  /** @param content a number as `raw` text where its digits matter. @returns the id */
  add(content: Json, updatedMs = Date.now()): number {
    this.#lastId += 1;
    this.#people.set(this.#lastId, { content, version: 1, updatedMs });
    return this.#lastId;
  }

  edit(id: number, changes: Json, updatedMs = Date.now()): void {
    const stored = this.#people.get(id);
    if (!stored) return;
    Object.assign(stored, { content: { ...stored.content, ...changes }, version: stored.version + 1, updatedMs });
  }

  remove(id: number): void {
    this.#people.delete(id);
  }

  /** The stored record with this id, as JSON. */
  stored(id: number): string | undefined {
    const stored = this.#people.get(id);
    return stored && JSON.stringify(stored.content);
  }

  ids(): number[] {
    return [...this.#people.keys()];
  }

  all(): Json[] {
    return [...this.#people.values()].map(({ content }) => content);
  }

  /** As a crash does. */
  breakConnections(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.breakConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    this.requests.push({ method, path: url, authorization: headers.authorization });
    const content = await text(request);
    await this.hold?.(request);
    this.before?.(request);
    const answer = this.instead?.(request) ?? this.#respond(request, new URL(url, this.url), content);
    const body = typeof answer.body === 'string' ? answer.body : answer.body && JSON.stringify(answer.body);
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(body);
  }

  #respond({ method = '', headers }: IncomingMessage, url: URL, content: string): Answer {
    if (headers.authorization !== `Bearer ${bearerToken}`) return { status: 401 };
    const path = url.pathname.replace(/^\/api/, '');
    if (path === '/openapi.json') return { status: 200, body: this.document };
    if (path === '/people') return method === 'POST' ? this.#create(content) : this.#list(url);
    const id = Number(/^\/people\/(\d+)$/.exec(path)?.[1] ?? Number.NaN);
    const stored = this.#people.get(id);
    if (!stored) return { status: 404 };
    if (method === 'GET') return this.#one(200, id, stored);
    if (this.options.hasEtags && headers['if-match'] === undefined) return { status: 428 };
    if (this.options.hasEtags && headers['if-match'] !== etagOf(stored)) return { status: 412 };
    if (method === 'DELETE') {
      this.remove(id);
      return { status: 204 };
    }
    return this.#change(id, stored, content);
  }

  #create(content: string): Answer {
    const person = this.#unwrapped(content);
    const wrong = this.#faults(person, undefined);
    if (wrong) return wrong;
    const id = this.add(person);
    return this.#one(201, id, this.#people.get(id));
  }

  #change(id: number, stored: Stored, content: string): Answer {
    const sent = this.#unwrapped(content);
    const person = this.options.method === 'put' ? sent : { ...stored.content, ...sent };
    const wrong = this.#faults(person, id);
    if (wrong) return wrong;
    Object.assign(stored, { content: person, version: stored.version + 1, updatedMs: Date.now() });
    return this.options.isSilent ? { status: 204 } : this.#one(200, id, stored);
  }

  #faults({ name, email, title, key }: Json, id: number | undefined): Answer | undefined {
    const refuse = (status: number, field: string) => ({ status, body: { errors: [{ field, message: 'Wrong' }] } });
    if (typeof name !== 'string' || name === '') return refuse(422, 'name');
    if (typeof email === 'string' && !email.includes('@')) return refuse(422, 'email');
    if (typeof title === 'string' && title.length > 100) return refuse(422, 'title');
    const isTaken = [...this.#people].some(([other, { content }]) => other !== id && key && content['key'] === key);
    return isTaken ? refuse(409, 'key') : undefined;
  }

  #one(status: number, id: number, stored: Stored | undefined): Answer {
    if (!stored) return { status: 404 };
    const { wrap, hasEtags } = this.options;
    const person = shown(id, stored);
    return {
      status,
      body: wrap === undefined ? person : { [wrap]: person },
      headers: hasEtags ? { etag: etagOf(stored) } : {},
    };
  }

  #list(url: URL): Answer {
    const { paging, wrap } = this.options;
    const number = (name: string, absent: number) => Number(url.searchParams.get(name) ?? absent);
    const size = number(paging === 'PAGE' || paging === 'LINK' ? 'per_page' : 'limit', 3);
    const cursor = Buffer.from(url.searchParams.get('cursor') ?? '', 'base64url').toString();
    const starts = {
      PAGE: (number('page', 1) - 1) * size,
      OFFSET: number('offset', 0),
      CURSOR: Number(cursor || 0),
      LINK: number('start', 0),
    };
    const start = starts[paging];
    const all = this.#found(url.searchParams);
    const page = all.slice(start, start + size).map(([id, stored]) => shown(id, stored));
    const end = start + page.length;
    const isMore = end < all.length;
    if (paging === 'CURSOR') {
      return {
        status: 200,
        body: { items: page, next_cursor: isMore ? Buffer.from(`${end}`).toString('base64url') : null },
      };
    }
    const next = new URL(url);
    next.searchParams.set('start', String(end));
    const link = `<${url.href}>; rel="first", <${next.href}>; rel="next"`;
    return {
      status: 200,
      body: wrap === undefined ? page : { [wrap]: page, total: all.length },
      headers: paging === 'LINK' && isMore ? { link } : {},
    };
  }

  #found(query: URLSearchParams): [number, Stored][] {
    const since = Date.parse(query.get('updated_from') ?? '1970-01-01T00:00:00Z');
    const key = query.get('key');
    const found = [...this.#people].filter(
      ([, { content, updatedMs }]) => updatedMs >= since && (key === null || content['key'] === key),
    );
    const byTime = query.get('sort') === 'updated_at';
    return found.sort(([id, one], [otherId, other]) => (byTime ? one.updatedMs - other.updatedMs : 0) || id - otherId);
  }

  #unwrapped(content: string): Json {
    const { wrap } = this.options;
    const body = JSON.parse(content, (_name, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? rawJSON(context?.source ?? '') : value,
    ) as Json;
    return (wrap === undefined ? body : body[wrap]) as Json;
  }
}

/** A number of JSON with just these digits. */
export function raw(digits: string): unknown {
  return rawJSON(digits);
}

function shown(id: number, { content, updatedMs }: Stored): Json {
  return { ...content, id, updated_at: new Date(updatedMs).toISOString() };
}

function etagOf({ version }: Stored): string {
  return `"v${version}"`;
}
