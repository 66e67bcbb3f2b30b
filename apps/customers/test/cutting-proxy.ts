import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** Where to cut: after the answer of a statement can have been sent, or before the statement arrives. */
export type Cut = { after: number } | { before: number };

/** The number of statements that a connection has sent, of the calls with a marker. */
interface Plan {
  marker: string;
  cut: Cut | undefined;
  statements: number;
  isCut: boolean;
}

/**
 * A proxy of PostgreSQL that cuts a connection at a given statement, as the death of the process at its other end does.
 * Statements are counted by their Execute messages, from the one whose bytes contain a marker.
 */
export class CuttingProxy {
  #plan: Plan | undefined;

  private constructor(
    private readonly server: Server,
    private readonly upstream: { host: string; port: number },
  ) {}

  static async to(databaseUrl: string): Promise<{ proxy: CuttingProxy; url: string }> {
    const url = new URL(databaseUrl);
    const server = createServer();
    const proxy = new CuttingProxy(server, { host: url.hostname, port: Number(url.port) });
    server.on('connection', (client) => proxy.#forward(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
    url.hostname = '127.0.0.1';
    url.port = String(address.port);
    return { proxy, url: url.href };
  }

  /** Cuts the first connection that sends the marker, once. Without a cut it only counts. */
  plan(marker: string, cut?: Cut): void {
    this.#plan = { marker, cut, statements: 0, isCut: false };
  }

  /** The statements of the plan so far, and whether the connection was cut. */
  get result(): { statements: number; isCut: boolean } {
    const { statements = 0, isCut = false } = this.#plan ?? {};
    return { statements, isCut };
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  #forward(client: Socket): void {
    const server = connect(this.upstream);
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.on('error', end);
      socket.on('close', end);
    }
    let isAnswering = true;
    server.on('data', (bytes) => isAnswering && client.write(bytes));
    let pending = Buffer.alloc(0);
    let isStarted = false;
    /** Whether this is the connection of the plan. */
    let planned: Plan | undefined;
    client.on('data', (bytes: Buffer) => {
      pending = Buffer.concat([pending, bytes]);
      while (pending.length >= 5) {
        // The first message has no type.
        const length = isStarted ? pending.readInt32BE(1) + 1 : pending.readInt32BE(0);
        if (pending.length < length) return;
        const message = pending.subarray(0, length);
        pending = pending.subarray(length);
        const plan = this.#plan;
        if (isStarted && plan && !plan.isCut && message.includes(plan.marker)) planned = plan;
        if (isStarted && planned && planned === plan && !plan.isCut && isStatement(message)) {
          plan.statements += 1;
          const { cut } = plan;
          if (cut && 'before' in cut && cut.before === plan.statements) {
            plan.isCut = true;
            return end();
          }
          if (cut && 'after' in cut && cut.after === plan.statements) {
            plan.isCut = true;
            isAnswering = false;
            // Sync makes PostgreSQL run what it has received.
            server.write(message);
            server.end(sync, () => client.destroy());
            return;
          }
        }
        isStarted = true;
        server.write(message);
      }
    });
  }
}

/** The message Sync of the protocol. */
const sync = Buffer.from([0x53, 0, 0, 0, 4]);

/** Execute, or a simple query. */
function isStatement(message: Buffer): boolean {
  return message[0] === 0x45 || message[0] === 0x51;
}
