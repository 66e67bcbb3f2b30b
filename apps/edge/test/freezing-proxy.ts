import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Connection {
  sockets: [Socket, Socket];
  /** Bytes that came back from the other side. */
  bytes: number;
}

/** A proxy to a service that can block a connection. */
export class FreezingProxy {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();

  constructor(to: string) {
    const [host = '', port = ''] = to.split(':');
    this.#server = createServer({ noDelay: true }, (near) => {
      const far = connect({ port: Number(port), host, noDelay: true });
      const connection: Connection = { sockets: [near, far], bytes: 0 };
      this.#connections.add(connection);
      far.on('data', (data) => (connection.bytes += data.length));
      near.pipe(far).pipe(near);
      for (const socket of connection.sockets) socket.once('error', () => near.destroy());
      near.once('close', () => far.destroy());
    });
  }

  async listen(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Blocks the connection that has received most. */
  freezeBusiest(): void {
    const [busiest] = [...this.#connections].sort((one, other) => other.bytes - one.bytes);
    for (const socket of busiest?.sockets ?? []) socket.unpipe().removeAllListeners('data').pause();
  }

  close(): void {
    this.#server.close();
    for (const { sockets } of this.#connections) for (const socket of sockets) socket.destroy();
  }
}
