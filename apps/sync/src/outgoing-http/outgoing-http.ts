import { Agent as HttpAgent, request as requestByHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestByHttps } from 'node:https';
import type { Socket } from 'node:net';
import { failSpan, inSpan, SpanKind, startSpan, traceparentOf, type Span } from '@rapport/platform';
import {
  checkedAddresses,
  checkedLookup,
  PrivateAddressError,
  namesPrivateAddress,
  type Resolve,
} from './checked-lookup.js';
import { isPrivateAddress } from './private-addresses.js';

const connectTimeoutMs = 5_000;

/** Shorter than the keep-alive of servers: a connection that the server closes as it is reused costs an attempt. */
const idleTimeoutMs = 4_000;

/** Maximum number of bytes read of an answer, whose content is ignored. */
const maxResponseBytes = 64 * 1_024;

export interface OutgoingRequest {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  /** From the lookup of the name to the end of the answer. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/** A request whose answer is streamed. */
export interface OutgoingExchange {
  url: string;
  method: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  signal: AbortSignal;
}

/** An answer with any status. */
export interface OutgoingAnswer {
  status: number;
  retryAfter: string | undefined;
}

/** Why there is no answer. */
export type OutgoingFailure =
  | 'ADDRESS_NOT_ALLOWED'
  | 'NAME_NOT_FOUND'
  | 'CONNECTION_FAILED'
  | 'TLS_FAILED'
  | 'TIMEOUT'
  | 'ABORTED';

export class OutgoingError extends Error {
  constructor(
    readonly reason: OutgoingFailure,
    cause?: unknown,
  ) {
    super(`The request failed: ${reason}.`, { cause });
  }
}

/**
 * The only client for hosts that tenants name. It connects to public addresses, and to hosts that the operator allows.
 * It follows no redirect, bounds time and size, and reuses connections.
 */
export class OutgoingHttp {
  readonly #allowed: ReadonlySet<string>;
  readonly #resolve: Resolve | undefined;
  readonly #agents: { http: HttpAgent; https: HttpsAgent };

  /**
   * @param allowedHosts may be called over plain HTTP and at any address; in the form of URLs, such as `127.0.0.1` or
   * `[::1]`
   * @param resolve resolves all other hosts; DNS by default
   */
  constructor(allowedHosts: readonly string[] = [], resolve?: Resolve) {
    this.#allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
    this.#resolve = resolve;
    const lookup = checkedLookup(this.#allowed, resolve);
    const options = { keepAlive: true, maxFreeSockets: 8, timeout: idleTimeoutMs, lookup };
    this.#agents = {
      http: this.#checked(new HttpAgent(options)),
      https: this.#checked(new HttpsAgent(options)),
    };
  }

  /** Whether a URL may be called, as far as it is known before its name is resolved. */
  mayCall(url: URL): boolean {
    const { protocol, hostname, username, password } = url;
    if (username !== '' || password !== '') return false;
    if (this.#allowed.has(hostname)) return protocol === 'https:' || protocol === 'http:';
    return protocol === 'https:' && !namesPrivateAddress(url);
  }

  /** @throws OutgoingError when there is no answer */
  post(request: OutgoingRequest): Promise<OutgoingAnswer> {
    const span = startSpan('POST', { kind: SpanKind.CLIENT, attributes: { 'http.request.method': 'POST' } });
    return inSpan(span, () => this.#post(request, span));
  }

  /**
   * A request with a streamed answer, which the caller bounds, and reads to the end or destroys.
   *
   * @throws OutgoingError when there is no answer
   */
  async exchange({
    url: address,
    method,
    headers,
    body,
    signal,
  }: OutgoingExchange): Promise<{ status: number; headers: Headers; stream: IncomingMessage }> {
    const url = new URL(address);
    if (!this.mayCall(url)) throw new OutgoingError('ADDRESS_NOT_ALLOWED');
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const call = this.#request(url, method, headers, body, signal);
    call.once('response', resolve);
    call.once('error', (error) => reject(new OutgoingError(signal.aborted ? 'ABORTED' : reasonOf(error), error)));
    call.end(body);
    const stream = await promise;
    const given = Object.entries(stream.headersDistinct).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    );
    return { status: stream.statusCode ?? 0, headers: new Headers(given), stream };
  }

  /**
   * The address of a host, for protocols other than HTTP.
   *
   * @throws OutgoingError when it has none, or a forbidden one
   */
  async addressOf(host: string): Promise<string> {
    try {
      const [address] = await checkedAddresses(host, this.#allowed, this.#resolve);
      if (address !== undefined) return address;
    } catch (error) {
      throw new OutgoingError(reasonOf(error), error);
    }
    throw new OutgoingError('NAME_NOT_FOUND');
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #post(request: OutgoingRequest, span: Span | undefined): Promise<OutgoingAnswer> {
    const url = new URL(request.url);
    if (!this.mayCall(url)) throw new OutgoingError('ADDRESS_NOT_ALLOWED');
    const timeout = AbortSignal.timeout(request.timeoutMs);
    const signal = AbortSignal.any([timeout, ...(request.signal ? [request.signal] : [])]);
    try {
      const traceparent = traceparentOf(span);
      const headers = { ...request.headers, ...(traceparent && { traceparent }) };
      const answer = await this.#send(url, { ...request, headers }, signal);
      if (span) noteStatus(span, answer);
      return answer;
    } catch (error) {
      if (timeout.aborted) throw new OutgoingError('TIMEOUT', error);
      throw new OutgoingError(signal.aborted ? 'ABORTED' : reasonOf(error), error);
    }
  }

  #send(url: URL, { headers, body }: OutgoingRequest, signal: AbortSignal): Promise<OutgoingAnswer> {
    return new Promise((resolve, reject) => {
      const call = this.#request(url, 'POST', headers, body, signal);
      call.once('response', (response) => readToEnd(response, resolve, reject));
      call.once('error', reject);
      call.end(body);
    });
  }

  #request(
    url: URL,
    method: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    signal: AbortSignal,
  ): ClientRequest {
    const options = { method, headers: { ...headers, 'content-length': String(body.length) }, signal };
    const call =
      url.protocol === 'https:'
        ? requestByHttps(url, { ...options, agent: this.#agents.https })
        : requestByHttp(url, { ...options, agent: this.#agents.http });
    limitConnecting(call);
    return call;
  }

  /** Checks the actual address of a connection before anything is sent over it. */
  #checked<Pool extends HttpAgent>(agent: Pool): Pool {
    const connect = agent.createConnection.bind(agent) as (options: { host?: string }, done?: unknown) => Socket;
    agent.createConnection = (options: { host?: string }, done?: unknown) => {
      const socket = connect(options, done);
      if (!this.#allowed.has(hostOf(options.host))) {
        socket.once('connect', () => {
          if (isPrivateAddress(socket.remoteAddress ?? '')) socket.destroy(new PrivateAddressError());
        });
      }
      return socket;
    };
    return agent;
  }
}

function noteStatus(span: Span, { status }: OutgoingAnswer): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 400) failSpan(span, String(status));
}

/** In the form of `hostname` in a URL, without the brackets of an IPv6 address. */
function hostOf(host = ''): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function limitConnecting(call: ClientRequest): void {
  call.once('socket', (socket: Socket) => {
    if (!socket.connecting) return;
    const isSecure = 'encrypted' in socket;
    const timer = setTimeout(() => call.destroy(new ConnectTimeout()), connectTimeoutMs);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => clearTimeout(timer));
    socket.once('close', () => clearTimeout(timer));
  });
}

class ConnectTimeout extends Error {}

function readToEnd(
  response: IncomingMessage,
  resolve: (answer: OutgoingAnswer) => void,
  reject: (error: Error) => void,
): void {
  const answer = { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
  let bytes = 0;
  response.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= maxResponseBytes) return;
    resolve(answer);
    response.destroy();
  });
  response.once('end', () => resolve(answer));
  response.once('error', reject);
}

function reasonOf(error: unknown): OutgoingFailure {
  if (error instanceof PrivateAddressError) return 'ADDRESS_NOT_ALLOWED';
  if (error instanceof ConnectTimeout) return 'TIMEOUT';
  const { code = '' } = error as NodeJS.ErrnoException;
  if (['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'EAI_AGAIN', 'ETIMEOUT', 'EREFUSED'].includes(code))
    return 'NAME_NOT_FOUND';
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)/.test(code)) return 'TLS_FAILED';
  return 'CONNECTION_FAILED';
}
