import { Readable } from 'node:stream';
import { ConnectorError } from '../connectors/connector-error.js';
import type { OutgoingHttp } from './outgoing-http.js';

const bodiless = [204, 205, 304];

/**
 * `fetch` for connectors, by the one checked client. It follows no redirect: those are answers.
 *
 * The error of a host that must not be called is the same as that of one that can't be reached.
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
    // What a Response that was made has none of.
    Object.defineProperty(answer, 'url', { value: request.url });
    return answer;
  };
}

/** The address of a host for everything that is not HTTP, looked at once. */
export async function outgoingHost(http: OutgoingHttp, host: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  try {
    return await http.addressOf(host);
  } catch (cause) {
    const violations = [{ field: '/host', reason: 'UNREACHABLE', description: 'can not be reached' }];
    throw new ConnectorError('UNAVAILABLE', 'The host can not be reached.', { violations, cause });
  }
}
