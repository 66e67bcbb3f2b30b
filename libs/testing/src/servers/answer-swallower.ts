import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy between a service and its database that drops or freezes connections on request. */
export class AnswerSwallower {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer({ noDelay: true }, (client) => this.#forward(client));
  #swallowNextTo: string | undefined;
  /** While it is set nothing passes. What is sent meanwhile is lost. */
  isFrozen = false;
  /** Number of messages to the database that were lost. */
  lost = 0;

  constructor(private readonly database: URL) {}

  /** @returns the URL of the database behind it */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const url = new URL(this.database);
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  /**
   * Drops the connection at the response to the next message that contains the text: the database has done it by then.
   */
  swallowAnswerTo(text: string): void {
    this.#swallowNextTo = text;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #forward(client: Socket): void {
    const server = connect({ port: Number(this.database.port), host: this.database.hostname, noDelay: true });
    let isCut = false;
    const end = () => [client, server].forEach((socket) => socket.destroy());
    client.on('data', (data) => {
      if (this.#swallowNextTo !== undefined && data.includes(this.#swallowNextTo)) {
        this.#swallowNextTo = undefined;
        isCut = true;
      }
      if (this.isFrozen) this.lost += 1;
      else server.write(data);
    });
    server.on('data', (data) => {
      if (isCut) end();
      else if (!this.isFrozen) client.write(data);
    });
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
  }
}
