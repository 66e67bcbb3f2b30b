import { connect, type Socket } from 'node:net';

const endOfHead = Buffer.from('\r\n\r\n');
const endOfChunks = Buffer.from('\r\n0\r\n\r\n');

/**
 * One keep-alive HTTP/1.1 connection for one request at a time. It reads only the status and the length of an answer: a
 * client that did more would dominate the bench of a fast server.
 */
export class HttpConnection {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #received: Buffer | undefined;
  #done: ((status: number) => void) | undefined;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    if (hostname !== '127.0.0.1') throw new Error(`Load goes to this machine only, not to ${hostname}`);
    this.#host = hostname;
    this.#port = Number(port);
  }

  async open(): Promise<void> {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#received = undefined;
      this.#settle(0);
    });
    this.#socket = socket;
  }

  /** @param done receives the status, 0 when the connection broke */
  send(request: Buffer, done: (status: number) => void): void {
    this.#done = done;
    if (this.#socket) this.#socket.write(request);
    else
      void this.open().then(
        () => this.#socket?.write(request),
        () => this.#settle(0),
      );
  }

  close(): void {
    this.#done = undefined;
    this.#socket?.destroy();
  }

  #receive(chunk: Buffer): void {
    const received = this.#received ? Buffer.concat([this.#received, chunk]) : chunk;
    const headEnd = received.indexOf(endOfHead);
    if (headEnd < 0 || !isWhole(received, headEnd)) {
      this.#received = received;
      return;
    }
    this.#received = undefined;
    this.#settle(Number(received.toString('latin1', 9, 12)));
  }

  #settle(status: number): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(status);
  }
}

function isWhole(received: Buffer, headEnd: number): boolean {
  const head = received.toString('latin1', 0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined && !head.startsWith('304', 9)) return received.length >= headEnd + 4 + Number(length);
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return received.subarray(-7).equals(endOfChunks);
  return true;
}
