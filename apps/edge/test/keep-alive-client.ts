import { connect, type Socket } from 'node:net';

export interface PlainAnswer {
  status: number;
  head: string;
  body: string;
}

/** One HTTP/1.1 connection, one request at a time: the cheapest client for many thousands of requests. */
export class KeepAliveClient {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: PromiseWithResolvers<PlainAnswer> | undefined;

  constructor(
    private readonly port: number,
    private readonly authorization: string,
  ) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (data: Buffer) => this.#receive(data));
    this.#socket.on('error', (error) => this.#waiting?.reject(error));
  }

  async send(method: string, path: string, body = '', headers = ''): Promise<PlainAnswer> {
    this.#waiting = Promise.withResolvers();
    const content = body ? `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` : '';
    const lines = `Host: 127.0.0.1:${this.port}\r\nAuthorization: ${this.authorization}\r\n${headers}${content}`;
    this.#socket.write(`${method} ${path} HTTP/1.1\r\n${lines}\r\n${body}`);
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + 4 + length) return;
    const body = this.#received.toString('utf8', end + 4);
    this.#received = Buffer.alloc(0);
    this.#waiting?.resolve({ status: Number(head.slice(9, 12)), head, body });
  }
}
