import {
  Agent,
  request as sendPlainly,
  type AgentOptions,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as TlsAgent, request as sendByTls } from 'node:https';
import { text } from 'node:stream/consumers';
import type { ServiceCertificates } from '@rapport/contracts';

interface FetchOptions {
  method: string;
  headers: Headers | Readonly<Record<string, string>>;
  body?: URLSearchParams | undefined;
  signal?: AbortSignal | undefined;
}

const agentOptions = { keepAlive: true, maxSockets: 256, timeout: 30_000 };

/**
 * Requests with a password are sent one at a time. Passwords are hashed one after the other anyway, and many such requests at once
 * would be ahead of all other calls of auth.
 */
const passwordOptions = { ...agentOptions, maxSockets: 1 };

/**
 * How the edge reaches auth's OpenID provider: over mutual TLS, as it does services. It expects auth's name in the
 * provider's certificate, whatever its address, and uses new certificates for new connections.
 */
export class OidcConnection {
  readonly #agent: Agent;
  readonly #passwordAgent: Agent;

  /** @param address `host:port` @param certificates plain without them, which is for tests only */
  constructor(
    private readonly address: string,
    private readonly certificates: ServiceCertificates | undefined,
  ) {
    // A resumed session would not check the current certificates.
    const agent = (limits: AgentOptions) =>
      certificates ? new TlsAgent({ ...limits, maxCachedSessions: 0 }) : new Agent(limits);
    this.#agent = agent(agentOptions);
    this.#passwordAgent = agent(passwordOptions);
  }

  /** @param sendsPassword requests that do are sent one at a time */
  request(options: RequestOptions, sendsPassword = false): ClientRequest {
    const [host = '', port] = this.address.split(':');
    const addressed = { ...options, agent: sendsPassword ? this.#passwordAgent : this.#agent, host, port };
    return this.certificates
      ? sendByTls({ ...addressed, ...this.certificates.current, servername: 'auth' })
      : sendPlainly(addressed);
  }

  /** A fetch for libraries that are clients of the provider: only the path of the URL counts. */
  async fetch(url: string, { method, headers, body, signal }: FetchOptions): Promise<Response> {
    const path = new URL(url).pathname;
    const lines = Object.fromEntries(headers instanceof Headers ? headers : Object.entries(headers));
    const options = { method, path, headers: lines, ...(signal && { signal }) };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      this.request(options).once('response', resolve).once('error', reject).end(body?.toString());
    });
    const { 'content-type': type = '' } = answer.headers;
    return new Response(await text(answer), { status: answer.statusCode ?? 502, headers: { 'content-type': type } });
  }

  close(): void {
    this.#agent.destroy();
    this.#passwordAgent.destroy();
  }
}
