import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * A proxy that stands for the name of a database server and can switch to another server, as the name of a primary
 * does.
 */
export class SwitchedServer {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer({ noDelay: true }, (client) => this.#forward(client));

  constructor(private port: number) {}

  /** @returns the port of 127.0.0.1 that it listens on */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Switches to another port, and drops all connections to the previous one. */
  switchTo(port: number): void {
    this.port = port;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #forward(client: Socket): void {
    const server = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    const end = () => [client, server].forEach((socket) => socket.destroy());
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end).on('close', end);
      socket.once('close', () => this.#sockets.delete(socket));
    }
  }
}
