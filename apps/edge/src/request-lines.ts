import type { IncomingMessage } from 'node:http';
import { AppError } from '@rapport/platform';

/** Headers that a request may have once: of two lines, a proxy may act on the other one. */
const singleHeaders = new Map(
  ['Host', 'Authorization', 'Content-Type', 'Idempotency-Key'].map((name) => [name.toLowerCase(), name]),
);
const singleLengths = new Set([...singleHeaders.keys()].map((name) => name.length));
/** Those that matter without a body. The fast path checks the same ones. */
const headersOfReads = new Set(['host', 'authorization']);

/** Source: RFC 3986, section 3.2.2, and RFC 9110, section 7.2. */
const hostForm = /^(?:\[[\da-f:.]{2,45}\]|[\w.~!$&'()*+,;=%-]{1,255})(?::\d{0,5})?$/i;
let lastHost = '';

/** Whether a text can be the value of a Host line. */
export function isHost(text: string): boolean {
  // Most requests have the same value.
  if (text === lastHost) return true;
  if (!hostForm.test(text)) return false;
  lastHost = text;
  return true;
}

/** Refusal of a request that a proxy may read differently. Undefined if there is no such doubt. */
export function refusalOfLines({
  method,
  rawHeaders,
  headers,
  httpVersionMinor,
}: IncomingMessage): AppError | undefined {
  const isRead = method === 'GET' || method === 'HEAD';
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const line = rawHeaders[index] ?? '';
    if (!singleLengths.has(line.length)) continue;
    const name = line.toLowerCase();
    const shown = singleHeaders.get(name);
    if (shown === undefined || (isRead && !headersOfReads.has(name))) continue;
    if (seen.has(name)) return malformed(`There is more than one ${shown}.`);
    seen.add(name);
  }
  const { host, expect } = headers;
  const isModern = httpVersionMinor >= 1;
  if (host === undefined ? isModern : !isHost(host)) return malformed('The Host header is missing or not valid.');
  if (isModern && expect !== undefined && expect.toLowerCase() !== '100-continue') {
    return new AppError('INVALID_ARGUMENT', 'EXPECTATION_FAILED', 'Only the expectation 100-continue is supported.');
  }
  return undefined;
}

function malformed(message: string): AppError {
  return new AppError('INVALID_ARGUMENT', 'REQUEST_MALFORMED', message);
}
