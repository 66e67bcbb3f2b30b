import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { CertificateFiles } from '@rapport/testing';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';

/** What a receiver does with a request. */
export type Behaviour =
  | { status: number; headers?: Record<string, string>; after?: Promise<void> }
  /** Never answers. */
  | 'hang'
  /** Ends the connection without an answer. */
  | 'reset';

/** A request that came in. */
export interface Received {
  id: string;
  timestamp: string;
  signatures: string[];
  text: string;
  event: { type: string; timestamp: string; data: Record<string, unknown> };
  behaviour: Behaviour;
}

/** An endpoint that answers each request as `behave` says. */
export class Receiver {
  readonly requests: Received[] = [];
  readonly #server: Server;
  readonly #origin: string;
  readonly #sockets = new Set<Socket>();
  connections = 0;
  /** @param place of the request, from 0 */
  behave: (request: Pick<Received, 'id' | 'event'>, place: number) => Behaviour = () => ({ status: 204 });

  private constructor(tls?: { key: Buffer; cert: Buffer }) {
    this.#origin = tls ? 'https://localhost' : 'http://127.0.0.1';
    const take = (request: IncomingMessage, response: ServerResponse) => void this.#take(request, response);
    this.#server = tls ? createSecureServer(tls, take) : createServer(take);
    this.#server.on('connection', (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param certificate of localhost, when it is to speak TLS */
  static async start(certificate?: CertificateFiles): Promise<Receiver> {
    const receiver = new Receiver(
      certificate && { key: await readFile(certificate.key), cert: await readFile(certificate.certificate) },
    );
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  /** Number of open connections. */
  get open(): number {
    return this.#sockets.size;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#origin}:${this.port}/hook`;
  }

  /** Those that it has said it took. */
  get taken(): Received[] {
    return this.requests.filter(({ behaviour }) => typeof behaviour === 'object' && behaviour.status < 300);
  }

  /** Ids of all that it took, each once, in the order in which it took them first. */
  get ids(): string[] {
    return [...new Set(this.taken.map(({ id }) => id))];
  }

  /**
   * Of the two libraries svix asks standardwebhooks since its 2.5, so they are one judge; a test verifies by `node:crypto` from
   * the specification too.
   *
   * @throws Error unless both find one of the signatures to be of the secret
   */
  static verify({ id, timestamp, signatures, text }: Received, secret: string): void {
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
    new Webhook(secret).verify(text, headers);
    new SvixWebhook(secret).verify(text, headers);
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const text = Buffer.concat(pieces).toString();
    const header = (name: string) => String(request.headers[name] ?? '');
    const known = { id: header('webhook-id'), event: JSON.parse(text) as Received['event'] };
    const behaviour = this.behave(known, this.requests.length);
    const signatures = header('webhook-signature').split(' ');
    this.requests.push({ ...known, text, behaviour, signatures, timestamp: header('webhook-timestamp') });
    if (typeof behaviour === 'object') await behaviour.after;
    if (behaviour === 'reset') request.socket.destroy();
    else if (behaviour !== 'hang') response.writeHead(behaviour.status, behaviour.headers).end();
  }
}
