import { Readable } from 'node:stream';
import type { FieldViolation } from '@rapport/platform';
import { ConnectorError } from '../connectors/connector-error.js';
import type { OutgoingHttp } from './outgoing-http.js';

const bodiless = [204, 205, 304];

/**
 * `fetch` for connectors, on the checked client. It returns redirects instead of following them.
 *
 * A forbidden host has the same error as an unreachable one.
 */
export function outgoingFetch(http: OutgoingHttp): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const body = Buffer.from(await request.arrayBuffer());
    const { status, headers, stream } = await http.exchange({
      url: request.url,
      method: request.method,
      headers: Object.fromEntries(request.headers),
      body,
      signal: request.signal,
    });
    const content = bodiless.includes(status) ? null : (Readable.toWeb(stream) as ReadableStream<Uint8Array>);
    if (content === null) stream.resume();
    const answer = new Response(content, { status, headers });
    // A constructed Response has no URL.
    Object.defineProperty(answer, 'url', { value: request.url });
    return answer;
  };
}

/** The checked address of a host, for protocols other than HTTP. */
export async function outgoingHost(http: OutgoingHttp, host: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  try {
    return await http.addressOf(host);
  } catch (cause) {
    const violations: FieldViolation[] = [{ field: '/host', reason: 'UNREACHABLE', description: 'cannot be reached' }];
    throw new ConnectorError('UNAVAILABLE', 'The host cannot be reached.', { violations, cause });
  }
}
