import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

/** A received webhook. */
export interface WebhookEvent {
  type: string;
  data: {
    recordType: string;
    recordId: string;
    version: number;
    changedFields: string[];
    before: Record<string, unknown> | null;
    after: Record<string, unknown> | null;
  };
}

/** An endpoint that accepts everything. */
export class WebhookReceiver {
  /** The bodies, each once. */
  readonly bodies: string[] = [];
  readonly #headers: IncomingHttpHeaders[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        if (!this.bodies.includes(body)) {
          this.bodies.push(body);
          this.#headers.push(request.headers);
        }
        response.writeHead(204).end();
      });
    });
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await once(receiver.#server.listen(0, '127.0.0.1'), 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  /** @throws Error for a webhook that is not signed with the secret */
  verified(secret: string): WebhookEvent[] {
    const webhook = new Webhook(secret);
    return this.bodies.map((body, index) => {
      webhook.verify(body, this.#headers[index] as Record<string, string>);
      return JSON.parse(body) as WebhookEvent;
    });
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
