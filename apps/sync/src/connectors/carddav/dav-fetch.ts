import { readRetryAfter } from '@rapport/platform';
import { answerBytes } from '../answer-bytes.js';
import { configurationError, ConnectorError } from '../connector-error.js';
import type { CardDavConfiguration } from './carddav-configuration.js';

type Fetch = typeof globalThis.fetch;

const requestTimeoutMs = 60_000;
/** A listing of 100,000 cards has about 30 MiB. */
const maxAnswerSize = 64 * 1024 * 1024;
/** A page of cards has some thousands. */
const maxTreeParts = 100_000;

/**
 * `fetch` with the account's credentials. An answer that is not about the request itself, such as 401, 423, 429 and
 * 503, is thrown as a ConnectorError; all others are returned.
 */
export function davFetch({ url, username, password }: CardDavConfiguration, fetch: Fetch, signal: AbortSignal): Fetch {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const { protocol } = new URL(url);
  return async (input, init) => {
    const target = input instanceof Request ? input.url : String(input);
    // The server names the URLs of account and address book. None of them gets the password without TLS.
    if (protocol === 'https:' && !target.startsWith('https:')) {
      throw configurationError('/url', {
        reason: 'INVALID',
        description: 'The server redirects to an address without TLS.',
      });
    }
    const headers = new Headers(init?.headers);
    headers.set('authorization', authorization);
    const timeout = AbortSignal.timeout(requestTimeoutMs);
    let answer: Response;
    try {
      answer = await fetch(input, { ...init, headers, signal: AbortSignal.any([signal, timeout]) });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ConnectorError) throw error;
      const violation = { reason: 'UNREACHABLE', description: 'The server cannot be reached.' } as const;
      throw configurationError('/url', violation, { reason: 'UNAVAILABLE', cause: error });
    }
    await throwForStatus(answer);
    return bounded(answer, signal);
  };
}

async function throwForStatus(answer: Response): Promise<void> {
  const { status, headers } = answer;
  if (![401, 423, 429].includes(status) && status < 500) return;
  await answer.body?.cancel();
  if (status === 401) {
    const violation = {
      reason: 'UNAUTHORISED',
      description: 'The server does not accept user name and password.',
    } as const;
    throw configurationError('/password', violation, { reason: 'UNAUTHORISED' });
  }
  const details = { retryAfterMs: readRetryAfter(headers.get('retry-after')) };
  if (status === 429) throw new ConnectorError('RATE_LIMITED', 'The server refuses further requests for now.', details);
  if (status === 423) throw new ConnectorError('UNAVAILABLE', 'The server has locked the resource.', details);
  throw new ConnectorError('UNAVAILABLE', `The server answers ${status}.`, details);
}

/** Bounds an answer: its body fails when it is too large or its connection breaks. */
async function bounded(answer: Response, signal: AbortSignal): Promise<Response> {
  let bytes: Buffer;
  try {
    bytes = await answerBytes(
      answer,
      maxAnswerSize,
      () => new ConnectorError('INVALID', `The server's answer has more than ${maxAnswerSize} bytes.`),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ConnectorError) throw error;
    throw new ConnectorError('UNAVAILABLE', 'The connection to the server broke.', { cause: error });
  }
  return withBody(answer, bytes);
}

/** For answers that are parsed to a tree, which takes a multiple of their bytes in memory and is made in one turn. */
export function treeFetch(fetch: Fetch): Fetch {
  return async (input, init) => {
    const answer = await fetch(input, init);
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (xmlParts(bytes) > maxTreeParts) {
      throw new ConnectorError('INVALID', `The server's answer has too many elements.`);
    }
    return withBody(answer, bytes);
  };
}

function withBody({ status, statusText, headers }: Response, bytes: Buffer): Response {
  const hasBody = ![204, 205, 304].includes(status);
  return new Response(hasBody ? new Uint8Array(bytes) : null, { status, statusText, headers });
}

const [tagStart, tagEnd, equals] = [0x3c, 0x3e, 0x3d];

/** The number of tags and attributes. Texts between them, such as photos, are passed at once. */
function xmlParts(bytes: Buffer): number {
  let parts = 0;
  for (
    let start = bytes.indexOf(tagStart);
    start >= 0 && parts <= maxTreeParts;
    start = bytes.indexOf(tagStart, start)
  ) {
    const found = bytes.indexOf(tagEnd, start);
    const end = found < 0 ? bytes.length : found;
    parts += 1;
    for (; start < end; start += 1) if (bytes[start] === equals) parts += 1;
  }
  return parts;
}
