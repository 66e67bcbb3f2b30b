import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * How a connection is cut: before a request passes, after it and before its answer, or so that both sides keep a connection over which
 * nothing comes any more.
 */
export type LinkCut = 'REQUEST' | 'ANSWER' | 'HALF_OPEN';

interface Plan {
  cut: LinkCut;
  /** Requests that pass before. */
  after: number;
  /** How long a half-open connection lasts, in milliseconds. */
  halfOpenMs: number;
}

/** A TCP proxy to a server, which cuts connections at requests. */
export class CutLink {
  /** Connections that were cut. */
  cuts = 0;
  #plan: Plan | undefined;
  readonly #sockets = new Set<Socket>();

  /** @param minBytes of what counts as a request: smaller pieces only acknowledge others */
  private constructor(
    private readonly server: Server,
    private readonly upstream: { host: string; port: number },
    private readonly minBytes: number,
  ) {}

  /** @param upstream `host:port` */
  static async to(upstream: string, minBytes = 0): Promise<CutLink> {
    const [host = '', port = ''] = upstream.split(':');
    const server = createServer({ noDelay: true });
    const link = new CutLink(server, { host, port: Number(port) }, minBytes);
    server.on('connection', (near) => link.#forward(near));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return link;
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** A URL, by this link. */
  url(of: string): string {
    const url = new URL(of);
    url.host = this.address;
    return url.href;
  }

  /** Whether a cut is yet to come. */
  get isPlanned(): boolean {
    return this.#plan !== undefined;
  }

  plan(plan: Plan | undefined): void {
    this.#plan = plan;
  }

  close(): void {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #forward(near: Socket): void {
    const far = connect({ ...this.upstream, noDelay: true });
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', end).on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    let cut: LinkCut | undefined;
    far.on('data', (bytes) => {
      if (cut === undefined) near.write(bytes);
      else if (cut === 'ANSWER') end();
    });
    near.on('data', (bytes) => {
      const plan = cut === undefined ? this.#next(bytes.length) : undefined;
      if (plan?.cut === 'REQUEST') return end();
      if (cut !== 'HALF_OPEN') far.write(bytes);
      if (!plan) return;
      cut = plan.cut;
      if (cut === 'HALF_OPEN') setTimeout(end, plan.halfOpenMs).unref();
    });
  }

  /** The plan, once the piece of a connection is the request at which it is cut. */
  #next(bytes: number): Plan | undefined {
    const plan = this.#plan;
    if (!plan || bytes < this.minBytes) return undefined;
    plan.after -= 1;
    if (plan.after >= 0) return undefined;
    this.#plan = undefined;
    this.cuts += 1;
    return plan;
  }
}
