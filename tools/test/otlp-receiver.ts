import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A trace collector that writes each request as a line of a file, so that tests in other processes can read it. */
export class OtlpReceiver {
  readonly #file: string;
  readonly #server: Server;

  private constructor(file: string) {
    this.#file = file;
    this.#server = createServer((request, response) => {
      void this.#take(request).then((status) => response.writeHead(status).end('{}'));
    });
  }

  static async start(file: string): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver(file);
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  /** The endpoint for the processes' configuration. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #take(request: IncomingMessage): Promise<number> {
    if (request.method !== 'POST' || request.url !== '/v1/traces') return 404;
    appendFileSync(this.#file, `${await text(request)}\n`);
    return 200;
  }
}
