import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** What a content must have for the scanner to find a virus in it. */
const marker = 'a virus of tests';

/** A virus scanner of tests on 127.0.0.1: it reads INSTREAM as clamd does, and finds what has `marker`. */
export class ScriptedClamd {
  static readonly marker = marker;
  /** Number of contents that were scanned. */
  scanned = 0;
  /** Number of the next contents at whose end it resets the connection in place of an answer. */
  resets = 0;
  /** Answers a content; undefined to answer never. */
  answer: (content: Buffer) => string | undefined = (content) =>
    content.includes(marker) ? 'stream: Tests.Marker FOUND' : 'stream: OK';
  readonly #server = createServer((socket) => this.#serve(socket));

  static async start(): Promise<ScriptedClamd> {
    const clamd = new ScriptedClamd();
    await once(clamd.#server.listen(0, '127.0.0.1'), 'listening');
    return clamd;
  }

  /** `host:port` */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
  }

  #serve(socket: Socket): void {
    let received = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      received = Buffer.concat([received, piece]);
      const content = contentOf(received);
      if (!content) return;
      this.scanned += 1;
      if (this.resets > 0) {
        this.resets -= 1;
        socket.resetAndDestroy();
        return;
      }
      const answer = this.answer(content);
      if (answer !== undefined) socket.end(`${answer}\0`);
    });
  }
}

/** @returns undefined while chunks are missing */
function contentOf(request: Buffer): Buffer | undefined {
  const command = 'zINSTREAM\0';
  if (request.toString('latin1', 0, command.length) !== command) return undefined;
  const chunks: Buffer[] = [];
  for (let at = command.length; request.length >= at + 4;) {
    const length = request.readUInt32BE(at);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(request.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return undefined;
}
