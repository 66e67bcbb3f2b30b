import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, invalidArgument } from '@rapport/platform';
import { BulkPace } from '../pace/bulk-pace.js';
import { ByteBlocks } from './byte-blocks.js';

/** What fits the int32 in which the contract counts bytes. */
export const maxFileBytes = 2 ** 31 - 1;

/** Bytes that are stored together: what an upload holds in memory, and what other calls may have to wait for. */
export const pieceBytes = 256 * 1024;

/** A part of a file, from byte `start` on. */
export interface StoredPiece {
  start: number;
  data: Buffer;
}

/** The parameters of an upload call, in its first message. */
interface UploadParameters {
  /** Bytes of the file that come before those of the call. */
  offset?: number | undefined;
  /** False when more comes with another call. */
  complete?: boolean | undefined;
}

/** Where the bytes of a file go that arrives in one or more calls. */
export interface UploadTarget<Answer> {
  /** Bytes that were stored when the call began. */
  readonly receivedBytes: number;
  /** Most bytes of the file. What fits an int32 when absent. */
  readonly maxBytes?: number;
  /** The stored piece that has a byte. Undefined when there is none any more. */
  pieceAt(place: number): Promise<StoredPiece | undefined>;
  /**
   * Stores bytes that follow `received` others, in a transaction of its own.
   *
   * @param isComplete whether the file is complete with them
   * @throws AppError what `uploadInProgress` makes when not as many are stored
   */
  store(received: number, data: Buffer, isComplete: boolean): Promise<Answer>;
}

/** A method that uploads a file. */
export interface UploadMethod<Request extends UploadParameters, Answer> {
  /** JSON name of the field with the bytes. */
  field: string;
  /** The bytes in a message. */
  dataOf: (request: Request) => Uint8Array | undefined;
  /** Checks the first message of a call, and finds where the bytes go. */
  begin: (request: Request) => Promise<UploadTarget<Answer>>;
}

/**
 * Receives one call of an upload. Each piece of the file is stored in a transaction of its own, none of which waits for the client;
 * what has arrived when the call breaks off is stored as well.
 *
 * @throws AppError INVALID_ARGUMENT when the call repeats other bytes than those that are stored
 */
export async function receiveUpload<Request extends UploadParameters, Answer>(
  em: EntityManager,
  { field, dataOf, begin }: UploadMethod<Request, Answer>,
  requests: AsyncIterable<Request>,
): Promise<Answer> {
  let upload: ResumedUpload<Answer> | undefined;
  let isWhole = false;
  try {
    for await (const request of requests) {
      if (!upload) upload = new ResumedUpload(BulkPace.of(em), await begin(request), field, request);
      else if (!dataOf(request)?.length) isWhole = true;
      if (isWhole) break;
      await upload.add(dataOf(request) ?? new Uint8Array());
    }
  } catch (error) {
    if (!isBrokenOff(error)) throw error;
  }
  if (!upload) throw invalidArgument([{ field, reason: 'REQUIRED', description: 'is required.' }]);
  // A call that was cancelled, or whose sender died, may look like one that ended.
  if (isWhole) return upload.finish();
  await upload.store();
  throw new AppError('CANCELLED', 'UPLOAD_CANCELLED', 'The upload broke off. Go on from receivedBytes.');
}

/** ABORTED for an upload that another call has got further meanwhile. */
export function uploadInProgress(): AppError {
  const message = 'Another upload of this file is running.';
  return new AppError('ABORTED', 'UPLOAD_IN_PROGRESS', message, { retryAfterSeconds: 1 });
}

class ResumedUpload<Answer> {
  readonly #pending = new ByteBlocks(pieceBytes);
  readonly #complete: boolean;
  /** Bytes that are stored. */
  #received: number;
  /** Bytes of the call that are stored already. */
  #repeated: number;
  /** The stored piece that repeated bytes were last compared with. */
  #repeatedPiece: StoredPiece | undefined;

  constructor(
    private readonly pace: BulkPace,
    private readonly target: UploadTarget<Answer>,
    private readonly field: string,
    { offset = 0, complete = true }: UploadParameters,
  ) {
    const { receivedBytes } = target;
    if (offset > receivedBytes) {
      const description = `must not be beyond the ${receivedBytes} bytes that have arrived.`;
      throw invalidArgument([{ field: 'offset', reason: 'OFFSET_BEYOND_RECEIVED', description }]);
    }
    this.#complete = complete;
    this.#received = receivedBytes;
    this.#repeated = receivedBytes - offset;
  }

  async add(data: Uint8Array): Promise<void> {
    const fresh = data.subarray(Math.min(this.#repeated, data.length));
    await this.#repeat(data.subarray(0, data.length - fresh.length));
    if (fresh.length === 0) return;
    this.#pending.add(fresh);
    while (this.#pending.length >= pieceBytes) await this.store();
  }

  /** Stores the next piece of what has come. */
  async store(): Promise<void> {
    await this.pace.keep(() => this.#write(false));
  }

  /** Stores the last piece. */
  async finish(): Promise<Answer> {
    if (this.#complete && this.#repeated > 0) {
      throw fileDiffers(`the call ends ${this.#repeated} bytes before the last that has arrived.`);
    }
    return this.#write(this.#complete);
  }

  /** Checks that bytes which the call repeats are those that are stored, which never change. */
  async #repeat(data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length;) {
      const place = this.#received - this.#repeated;
      const piece = await this.#pieceAt(place);
      const stored = piece.data.subarray(place - piece.start).subarray(0, data.length - done);
      if (!stored.equals(data.subarray(done, done + stored.length))) {
        throw fileDiffers('the bytes that it repeats are not those that have arrived.');
      }
      done += stored.length;
      this.#repeated -= stored.length;
    }
  }

  async #pieceAt(place: number): Promise<StoredPiece> {
    const last = this.#repeatedPiece;
    if (last && last.start <= place && place < last.start + last.data.length) return last;
    const piece = await this.target.pieceAt(place);
    // Another call has completed the file, whose bytes may be gone by now.
    if (!piece || place >= piece.start + piece.data.length) throw uploadInProgress();
    return (this.#repeatedPiece = piece);
  }

  async #write(isComplete: boolean): Promise<Answer> {
    const data = this.#pending.take();
    const received = this.#received + data.length;
    const { maxBytes = maxFileBytes } = this.target;
    if (received > maxBytes) {
      const description = `must not be larger than ${maxBytes} bytes.`;
      throw invalidArgument([{ field: this.field, reason: 'FILE_TOO_LARGE', description }]);
    }
    const answer = await this.target.store(this.#received, data, isComplete);
    this.#received = received;
    return answer;
  }
}

function fileDiffers(why: string): AppError {
  const description = `does not fit: ${why} Is it another file?`;
  return invalidArgument([{ field: 'offset', reason: 'FILE_DIFFERS', description }]);
}

function isBrokenOff(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
