import type { CallOptions, HeaderOptions } from './call.js';
import { Paged } from './paged.js';
import { changedStates, messagesOf, reopening } from './streams.js';
import type { Answer, HttpCall, Transport } from './transport.js';

/** An operation as the client calls it: a line of the generated table. */
export interface Operation {
  verb: string;
  path: string;
  /** Query parameters of a request with a body. */
  query: string[];
  hasKey: boolean;
  isRepeatable: boolean;
  /** Whether the request has raw bytes instead of JSON. */
  isUpload: boolean;
  /** `l` a list of pages, `s` a stream, `w` a stream of states, `f` a file, otherwise one JSON object. */
  answer: string;
  deadlineMs: number;
  /** The property of a page that has its items. */
  items: string;
}

export type Request = Record<string, unknown>;
export type RunOptions = CallOptions & HeaderOptions;
export type Method = (request?: Request, options?: RunOptions) => unknown;

/** A stream of changes sends a message every 15 seconds; a stream of states may be silent, and opened again at no loss. */
const idleMs = 45_000;
/** What an answer may take in addition to the deadline of the server, in milliseconds. */
const networkMs = 5_000;
/** How long a stream or a file may take to begin, in milliseconds: its deadline is for all of it. */
const beginMs = 60_000;

/** The flags: `k` has an idempotency key, `r` is repeatable, `u` uploads; then the answer, the deadline in seconds and the items. */
export function parseOperation(verb: string, path: string, flags: string, query: string[]): Operation {
  const [, letters = '', answer = '', seconds = '10', items = ''] =
    /^-?([kru]*)([lswf]?)(\d*)?(?::(\w+))?$/.exec(flags) ?? [];
  const has = (letter: string) => letters.includes(letter);
  const parts = { verb, path, query, answer, items, deadlineMs: Number(seconds || 10) * 1_000 };
  return { ...parts, hasKey: has('k'), isRepeatable: has('r') || has('k'), isUpload: has('u') };
}

export function runOperation(
  transport: Transport,
  operation: Operation,
  request: Request,
  options: RunOptions,
): unknown {
  const call = (more: Request = {}) => httpCall(operation, { ...request, ...more }, options);
  const stream = () => messages(transport, call(), operation);
  switch (operation.answer) {
    case 'l':
      return new Paged<unknown, Request>(
        (pageToken) => transport.send(call(pageToken === undefined ? {} : { pageToken }), readJson<Request>),
        (page) => page[operation.items] as unknown[],
      );
    case 's':
      return stream();
    case 'w':
      return changedStates(reopening(stream, options));
    case 'f':
      return transport.send(call(), ({ response }) => response);
    default:
      return transport.send(call(), readJson);
  }
}

async function* messages(transport: Transport, call: HttpCall, { path }: Operation): AsyncGenerator<unknown, void> {
  call.headers['accept'] = 'application/x-ndjson';
  const answer = await transport.send(call, (open) => open);
  try {
    yield* messagesOf(answer, /watch$|changes$/.test(path) ? idleMs : undefined);
  } catch (error) {
    call.options.signal?.throwIfAborted();
    throw error;
  }
}

function httpCall(operation: Operation, request: Request, options: RunOptions): HttpCall {
  const { verb, path, isUpload, hasKey, isRepeatable, deadlineMs } = operation;
  const rest = { ...request };
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(taken(rest, name)));
  const upload = isUpload ? rest['body'] : undefined;
  if (isUpload) delete rest['body'];
  const hasBody = !isUpload && verb !== 'GET' && verb !== 'DELETE';
  const query = queryOf(rest, hasBody ? operation.query : Object.keys(rest));
  const json = hasBody && Object.keys(rest).length > 0 ? JSON.stringify(rest) : undefined;
  const headers = {
    ...(json !== undefined && { 'content-type': 'application/json' }),
    ...headersOf(options, hasKey),
  };
  const attemptMs = (/[swf]/.test(operation.answer) ? Math.min(deadlineMs, beginMs) : deadlineMs) + networkMs;
  const body = (upload as HttpCall['body']) ?? json;
  return { verb, url: `/v1${filled}${query}`, headers, body, isRepeatable, attemptMs, options };
}

/** A parameter of the path, which the rest of the request then lacks. */
function taken(request: Request, name: string): string {
  const value = request[name];
  if (typeof value !== 'string' || value === '') throw new TypeError(`The request has no ${name}.`);
  delete request[name];
  return value;
}

function queryOf(request: Request, names: string[]): string {
  const query = new URLSearchParams();
  for (const name of names) {
    for (const value of [request[name] ?? []].flat() as string[]) query.append(name, value);
    delete request[name];
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

function headersOf(
  { ifMatch, idempotencyKey, range, ifRange, headers }: RunOptions,
  hasKey: boolean,
): Record<string, string> {
  const key = hasKey ? (idempotencyKey ?? newKey()) : undefined;
  const all = { 'if-match': ifMatch, 'idempotency-key': key, range, 'if-range': ifRange };
  return {
    ...Object.fromEntries(Object.entries(all).filter((each): each is [string, string] => each[1] !== undefined)),
    ...headers,
  };
}

/** `crypto.randomUUID` is missing on pages without TLS. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function readJson<Result>({ response }: Answer): Promise<Result> {
  return (response.status === 204 ? undefined : await response.json()) as Result;
}
