import { isHost } from '../request-lines.js';

/** What of a request's header decides about an answer from memory. */
export interface AheadHeaders {
  authorization: string | undefined;
  requestId: string | undefined;
  ifNoneMatch: string | undefined;
  cacheControl: string | undefined;
  token: string | undefined;
  origin: string | undefined;
}

/**
 * Picks them from the header lines as they came, which is cheaper than to have Node make an object of all.
 *
 * @returns undefined when the request is unusual and must take the ordinary path: it has a body, a repeated line, or no valid Host
 */
export function readAheadHeaders(lines: readonly string[]): AheadHeaders | undefined {
  const found: AheadHeaders = {
    authorization: undefined,
    requestId: undefined,
    ifNoneMatch: undefined,
    cacheControl: undefined,
    token: undefined,
    origin: undefined,
  };
  let hosts = 0;
  for (let index = 0; index < lines.length; index += 2) {
    const name = lines[index] ?? '';
    if (!interestingLengths.has(name.length)) continue;
    const field = fieldOfName[name.toLowerCase()];
    if (field === undefined) continue;
    if (field === 'body') return undefined;
    if (field === 'host') {
      if (++hosts > 1 || !isHost(lines[index + 1] ?? '')) return undefined;
      continue;
    }
    if (found[field] !== undefined) return undefined;
    found[field] = lines[index + 1];
  }
  return hosts === 1 ? found : undefined;
}

const fieldOfName: Readonly<Partial<Record<string, keyof AheadHeaders | 'host' | 'body'>>> = {
  host: 'host',
  authorization: 'authorization',
  'x-request-id': 'requestId',
  'if-none-match': 'ifNoneMatch',
  'cache-control': 'cacheControl',
  'rapport-consistency-token': 'token',
  origin: 'origin',
  'content-length': 'body',
  'transfer-encoding': 'body',
  expect: 'body',
};

const interestingLengths = new Set(Object.keys(fieldOfName).map((name) => name.length));
