import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Forwards connections, until the test breaks or holds them. */
export class FragileProxy {
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly address: string,
  ) {}

  static async to(address: string): Promise<FragileProxy> {
    const server = createServer({ noDelay: true });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const proxy = new FragileProxy(server, `127.0.0.1:${(server.address() as AddressInfo).port}`);
    const [host, port] = address.split(':');
    server.on('connection', (near) => {
      const far = connect({ port: Number(port), host: host ?? '', noDelay: true });
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) {
        proxy.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.once('close', () => proxy.#sockets.delete(socket));
      }
    });
    return proxy;
  }

  /** Forwards nothing more over the connections of now, which stay open. */
  holdAll(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  breakAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.breakAll();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
