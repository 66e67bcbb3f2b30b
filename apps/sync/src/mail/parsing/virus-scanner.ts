import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AttachmentScan } from '@rapport/contracts/rapport/content/v1/message';
import { AppError } from '@rapport/platform';

/** Time limit of a scan, in milliseconds: several fit into the lease of a mail. */
const defaultTimeoutMs = 30_000;

/** Bytes of a chunk of INSTREAM. */
const chunkBytes = 64 * 1_024;

/** Connections for a content: about one in six loses the answer of a clamd that closes early. */
const maxAttempts = 8;

/** An answer is a line: a longer one is none of clamd. */
const maxAnswerBytes = 4_096;

/** Scans contents with clamd, by its command INSTREAM over TCP (`man clamd`). */
export class VirusScanner {
  readonly #server: { host: string; port: number } | undefined;

  /** @param address `host:port` of clamd; empty for none: then nothing is scanned */
  constructor(
    address: string,
    private readonly timeoutMs = defaultTimeoutMs,
  ) {
    const colon = address.lastIndexOf(':');
    if (address !== '') this.#server = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
  }

  /**
   * @returns CLEAN or INFECTED; SKIPPED without a clamd, and for a content that is larger than clamd takes
   * @throws AppError UNAVAILABLE if clamd cannot be reached
   * @throws Error if clamd takes too long, fails or ends the connection: another attempt may succeed
   */
  async scan(content: Uint8Array): Promise<AttachmentScan> {
    if (!this.#server) return AttachmentScan.SKIPPED;
    const answer = await this.#askAgain(this.#server, content);
    if (answer === 'stream: OK') return AttachmentScan.CLEAN;
    if (/^stream: .+ FOUND$/.test(answer)) return AttachmentScan.INFECTED;
    if (/size limit exceeded/i.test(answer)) return AttachmentScan.SKIPPED;
    throw new Error(`clamd answers: ${answer.slice(0, 200)}`);
  }

  /**
   * Asks until there is an answer. clamd closes the connection as soon as a content is too large for it, and a write
   * that fails then loses its answer.
   */
  async #askAgain(server: { host: string; port: number }, content: Uint8Array): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#ask(server, content);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (attempt === maxAttempts || (code !== 'EPIPE' && code !== 'ECONNRESET')) throw error;
      }
    }
  }

  async #ask(server: { host: string; port: number }, content: Uint8Array): Promise<string> {
    const socket = connect(server);
    const signal = AbortSignal.timeout(this.timeoutMs);
    const end = () => socket.destroy(new Error('clamd takes too long.'));
    signal.addEventListener('abort', end);
    try {
      await once(socket, 'connect').catch((error: unknown) => {
        throw new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'The virus scanner is away.', { cause: error });
      });
      return await this.#exchange(socket, content);
    } finally {
      signal.removeEventListener('abort', end);
      socket.destroy();
    }
  }

  /** Sends chunks while clamd reads. It answers and closes before the end of a content that is too large for it. */
  async #exchange(socket: Socket, content: Uint8Array): Promise<string> {
    const answer = readAnswer(socket);
    let isAnswered = false;
    void answer.then(
      () => (isAnswered = true),
      () => (isAnswered = true),
    );
    socket.write('zINSTREAM\0');
    for (let start = 0; start < content.length && !isAnswered; start += chunkBytes) {
      const chunk = content.subarray(start, start + chunkBytes);
      if (!socket.write(Buffer.concat([lengthOf(chunk.length), chunk]))) {
        await Promise.race([once(socket, 'drain'), answer]);
      }
      // The answer of a clamd that has closed is read before the next write, which would fail and lose it.
      await nextTurn();
    }
    if (!isAnswered) socket.write(lengthOf(0));
    return answer;
  }
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return length;
}

/** The answer of clamd, up to its NUL. */
function readAnswer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    socket.on('data', (piece) => {
      said += piece.toString('latin1');
      const end = said.indexOf('\0');
      if (said.length > maxAnswerBytes) reject(new Error('The answer of clamd is too long.'));
      else if (end >= 0) resolve(said.slice(0, end).trim());
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('clamd ends the connection without an answer.')));
  });
}
