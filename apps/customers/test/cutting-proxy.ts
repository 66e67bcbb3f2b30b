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
    // Without Nagle's delay, which adds 40 ms to each statement.
    const server = createServer({ noDelay: true });
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
    const server = connect({ ...this.upstream, noDelay: true });
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
    let planned: Plan | undefined;
    const messages = new Messages();
    client.on('data', (bytes: Buffer) => {
      for (const message of messages.take(bytes)) {
        if (this.#plan && message.includes(this.#plan.marker)) planned = this.#plan;
        const step = planned && planned === this.#plan ? count(planned, message) : 'FORWARD';
        if (step === 'CUT_BEFORE') return end();
        server.write(message);
        if (step === 'FORWARD') continue;
        isAnswering = false;
        // Sync makes PostgreSQL run what it has received.
        server.end(sync, () => client.destroy());
        return;
      }
    });
  }
}

/** Counts a message of the planned connection. */
function count(plan: Plan, message: Buffer): 'FORWARD' | 'CUT_BEFORE' | 'CUT_AFTER' {
  if (plan.isCut || !isStatement(message)) return 'FORWARD';
  plan.statements += 1;
  const { cut, statements } = plan;
  if (!cut || statements !== ('before' in cut ? cut.before : cut.after)) return 'FORWARD';
  plan.isCut = true;
  return 'before' in cut ? 'CUT_BEFORE' : 'CUT_AFTER';
}

/** Splits the bytes of a client into messages of the protocol. The first one of a connection has no type. */
class Messages {
  #pending = Buffer.alloc(0);
  #isStarted = false;

  *take(bytes: Buffer): Generator<Buffer> {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    while (this.#pending.length >= 5) {
      const length = this.#isStarted ? this.#pending.readInt32BE(1) + 1 : this.#pending.readInt32BE(0);
      if (this.#pending.length < length) return;
      const message = this.#pending.subarray(0, length);
      this.#pending = this.#pending.subarray(length);
      this.#isStarted = true;
      yield message;
    }
  }
}

/** The message Sync of the protocol. */
const sync = Buffer.from([0x53, 0, 0, 0, 4]);

/** Execute, or a simple query. */
function isStatement(message: Buffer): boolean {
  return message[0] === 0x45 || message[0] === 0x51;
}
