import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP switch before edges, as a load balancer is one: it takes the next edge that accepts a connection. */
export class EdgeSwitch {
  readonly #sockets = new Set<Socket>();
  readonly #ports: number[];
  readonly #server = createServer({ noDelay: true }, (near) => this.#forward(near));
  #next = 0;
  #lost = 0;

  private constructor(edgeUrls: readonly string[]) {
    this.#ports = edgeUrls.map((url) => Number(new URL(url).port));
  }

  static async before(edgeUrls: readonly string[]): Promise<EdgeSwitch> {
    const edges = new EdgeSwitch(edgeUrls);
    await once(edges.#server.listen(0, '127.0.0.1'), 'listening');
    return edges;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Breaks connections instead of passing on the next answers: their requests have been worked on. */
  loseAnswers(count: number): void {
    this.#lost = count;
  }

  /** Answers that are still to be lost. */
  get lost(): number {
    return this.#lost;
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  #forward(near: Socket, attempts = this.#ports.length): void {
    const far = connect({ port: this.#ports[this.#next++ % this.#ports.length]!, host: '127.0.0.1', noDelay: true });
    let isOpen = false;
    far.once('connect', () => {
      isOpen = true;
      this.#join(near, far);
    });
    far.once('error', () => {
      if (!isOpen && attempts > 1) this.#forward(near, attempts - 1);
      else near.destroy();
    });
  }

  #join(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    }
    near.on('error', () => far.destroy()).once('close', () => far.destroy());
    far.once('close', () => near.destroy());
    near.pipe(far);
    far.on('data', (data) => {
      if (this.#lost > 0) {
        this.#lost--;
        near.destroy();
      } else near.write(data);
    });
  }
}
