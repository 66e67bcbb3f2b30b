import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parse } from 'node:querystring';
import proxyAddr from '@fastify/proxy-addr';
import { AppError, type CallClient } from '@rapport/platform';
import type { FastifyRequest } from 'fastify';
import { tokenHeader } from '../cache/consistency-tokens.js';

/** The facts that the header lines of a request state about its answer. */
export interface RequestHead {
  /** Why the request is refused regardless of its path: a proxy may read it differently than this server. */
  refusal: AppError | undefined;
  /** The client's request id if it is well-formed, else a new one. */
  requestId: string;
  hasBody: boolean;
  /** The client waits for 100 Continue before it sends a body. */
  expectsContinue: boolean;
  authorization: string | undefined;
  ifNoneMatch: string | undefined;
  cacheControl: string | undefined;
  consistencyToken: string | undefined;
  origin: string | undefined;
  /** The renewed cookie of a session of the console, for the answer. */
  setCookie: string | undefined;
}

/** Where a request keeps its head. */
const headKey = Symbol('head');

/** The head of a request, which is read once. */
export function headOf(request: IncomingMessage & { [headKey]?: RequestHead }): RequestHead {
  return (request[headKey] ??= readHead(request));
}

function readHead(request: IncomingMessage): RequestHead {
  const { values, repeated } = readLines(request);
  const { contentLength = '0', authorization, ifNoneMatch, cacheControl, consistencyToken, origin } = values;
  return {
    refusal: refusalOf(values, repeated, request.httpVersionMinor >= 1),
    requestId: requestIdOf(values.requestId),
    hasBody: Number(contentLength) !== 0 || values.transferEncoding !== undefined,
    expectsContinue: values.expect !== undefined,
    authorization,
    ifNoneMatch,
    cacheControl,
    consistencyToken,
    origin,
    setCookie: undefined,
  };
}

type Values = Partial<Record<Field, string>>;

/**
 * Reads the raw lines in one pass: Node drops the second of two lines that should be one, and a proxy may use it.
 * Values of lines that may be repeated are joined, as Node does.
 */
function readLines({ method, rawHeaders }: IncomingMessage): { values: Values; repeated: Field | undefined } {
  const values: Values = {};
  const singles = method === 'GET' || method === 'HEAD' ? singleFieldsOfReads : singleFields;
  let repeated: Field | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const line = rawHeaders[index] ?? '';
    if (!lengths.has(line.length)) continue;
    const field = fieldsByName.get(line.toLowerCase());
    if (field === undefined) continue;
    const value = rawHeaders[index + 1] ?? '';
    const earlier = values[field];
    if (earlier === undefined) values[field] = value;
    else if (singles.has(field)) repeated ??= field;
    else values[field] = `${earlier}, ${value}`;
  }
  return { values, repeated };
}

function refusalOf({ host, expect }: Values, repeated: Field | undefined, isModern: boolean): AppError | undefined {
  if (repeated) return malformed(`There is more than one ${shownNames[repeated]}.`);
  if (host === undefined ? isModern : !isHost(host)) return malformed('The Host header is missing or not valid.');
  if (isModern && expect !== undefined && expect.toLowerCase() !== '100-continue') {
    return new AppError('INVALID_ARGUMENT', 'EXPECTATION_FAILED', 'Only the expectation 100-continue is supported.');
  }
  return undefined;
}

/** The lines that are read, by name in lower case. */
const fields = {
  host: 'host',
  authorization: 'authorization',
  'content-type': 'contentType',
  'idempotency-key': 'idempotencyKey',
  'content-length': 'contentLength',
  'transfer-encoding': 'transferEncoding',
  expect: 'expect',
  'x-request-id': 'requestId',
  'if-none-match': 'ifNoneMatch',
  'cache-control': 'cacheControl',
  [tokenHeader]: 'consistencyToken',
  origin: 'origin',
} as const;
type Field = (typeof fields)[keyof typeof fields];

const fieldsByName = new Map<string, Field>(Object.entries(fields));
/** Rules out most other lines before their names are lowercased. */
const lengths = new Set([...fieldsByName.keys()].map((name) => name.length));

/** Lines that must not be repeated: a proxy may read another of them than this server. The last two matter with a body only. */
const singleFieldsOfReads = new Set<Field>(['host', 'authorization']);
const singleFields = new Set<Field>([...singleFieldsOfReads, 'contentType', 'idempotencyKey']);
const shownNames: Readonly<Partial<Record<Field, string>>> = {
  host: 'Host',
  authorization: 'Authorization',
  contentType: 'Content-Type',
  idempotencyKey: 'Idempotency-Key',
};

/** Source: RFC 3986, section 3.2.2, and RFC 9110, section 7.2. */
const hostForm = /^(?:\[[\da-f:.]{2,45}\]|[\w.~!$&'()*+,;=%-]{1,255})(?::\d{0,5})?$/i;
let lastHost = '';

/** Whether a text can be the value of a Host line. */
function isHost(text: string): boolean {
  // Most requests have the same value.
  if (text === lastHost) return true;
  if (!hostForm.test(text)) return false;
  lastHost = text;
  return true;
}

function malformed(message: string): AppError {
  return new AppError('INVALID_ARGUMENT', 'REQUEST_MALFORMED', message);
}

/** The decoded query of a URL: a repeated parameter is a list. */
export function parseQuery(text: string): Record<string, unknown> {
  return parse(text, '&', '=', { maxKeys: 0 });
}

/** Finds the client's address of a request, which trusted proxies may state: as Fastify's `request.ip`. */
export function addressReader(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  if (trustedProxies.length === 0) return ({ socket }) => socket.remoteAddress ?? '';
  const isTrusted = proxyAddr.compile([...trustedProxies]);
  return (request) => proxyAddr(request, isTrusted);
}

const maxUserAgentLength = 200;

/** The client of a request as it is passed to services: characters that metadata can't carry are replaced. */
export function clientOf({ ip, headers }: Pick<FastifyRequest, 'ip' | 'headers'>): CallClient {
  const userAgent = (headers['user-agent'] ?? '').slice(0, maxUserAgentLength).replace(/[^\x20-\x7e]/g, '?');
  return { address: ip, userAgent };
}

/** Random hexadecimal digits of one id. */
const digitsOfId = 18;
const idsAtATime = 256;
// Digits for many ids at a time, and the time once a millisecond: made one by one, ids were a tenth of a cached answer's time.
let digits = '';
let used = 0;
let timeMs = -1;
let start = '';

/** The client's request id if it is well-formed, else a new one. */
export function requestIdOf(given: string | undefined): string {
  return given !== undefined && /^[\w.-]{8,64}$/.test(given) ? given : newId();
}

/** A UUID of version 7, with 72 random bits. Source: RFC 9562, section 5.7. */
function newId(): string {
  const now = Date.now();
  if (now !== timeMs) {
    timeMs = now;
    const time = now.toString(16).padStart(12, '0');
    start = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  }
  if (used === digits.length) {
    digits = randomBytes((idsAtATime * digitsOfId) / 2).toString('hex');
    used = 0;
  }
  const from = used;
  used += digitsOfId;
  return `${start}${digits.slice(from, from + 3)}-8${digits.slice(from + 3, from + 6)}-${digits.slice(from + 6, used)}`;
}
