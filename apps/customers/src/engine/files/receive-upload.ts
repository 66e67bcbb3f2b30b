import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, callContext, invalidArgument } from '@rapport/platform';
import { BulkPace } from '../pace/bulk-pace.js';
import { ByteBlocks } from './byte-blocks.js';

/** Largest int32, the contract's type for byte counts. */
export const maxFileBytes = 2 ** 31 - 1;

/** Bytes stored per transaction: the memory of an upload, and the longest time that other calls may wait. */
export const pieceBytes = 256 * 1024;

/** A part of a file, starting at offset `start`. */
export interface StoredPiece {
  start: number;
  data: Buffer;
}

/** The parameters of an upload call, in its first message. */
interface UploadParameters {
  /** Offset of the call's first byte in the file. */
  offset?: number | undefined;
  /** False when another call sends more. */
  complete?: boolean | undefined;
}

/** The destination of a file that arrives in one or more calls. */
export interface UploadTarget<Answer> {
  /** Stored bytes at the start of the call. */
  readonly receivedBytes: number;
  /** Most bytes of the file. The largest int32 when absent. */
  readonly maxBytes?: number;
  /** The stored piece that contains an offset. Undefined when it has been removed. */
  pieceAt(place: number): Promise<StoredPiece | undefined>;
  /**
   * Appends bytes after the first `received`, in a transaction of its own.
   *
   * @param isComplete whether they complete the file
   * @throws AppError the error of `uploadInProgress` when the stored length differs from `received`
   */
  store(received: number, data: Buffer, isComplete: boolean): Promise<Answer>;
}

/** A method that uploads a file. */
export interface UploadMethod<Request extends UploadParameters, Answer> {
  /** JSON name of the field with the bytes. */
  field: string;
  /** The bytes in a message. */
  dataOf: (request: Request) => Uint8Array | undefined;
  /** Validates the first message of a call, and finds the destination. */
  begin: (request: Request) => Promise<UploadTarget<Answer>>;
}

/**
 * Receives one call of an upload. Each piece of the file is stored in a transaction of its own, none of which waits for
 * the client. All bytes received before a disconnect are stored as well, also fewer than a piece.
 *
 * @throws AppError INVALID_ARGUMENT when repeated bytes differ from the stored ones
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
  // A cancelled call, or one whose sender crashed, may look complete.
  if (isWhole) return upload.finish();
  await upload.store();
  throw new AppError('CANCELLED', 'UPLOAD_CANCELLED', 'The upload was interrupted. Continue from receivedBytes.');
}

/** ABORTED for an upload that another call has advanced meanwhile. */
export function uploadInProgress(): AppError {
  const message = 'Another upload of this file is running.';
  return new AppError('ABORTED', 'UPLOAD_IN_PROGRESS', message, { retryAfterSeconds: 1 });
}

class ResumedUpload<Answer> {
  readonly #pending = new ByteBlocks(pieceBytes);
  readonly #complete: boolean;
  /** Number of stored bytes. */
  #received: number;
  /** Number of the call's bytes that were already stored. */
  #repeated: number;
  /** The stored piece of the last comparison with repeated bytes. */
  #repeatedPiece: StoredPiece | undefined;

  constructor(
    private readonly pace: BulkPace,
    private readonly target: UploadTarget<Answer>,
    private readonly field: string,
    { offset = 0, complete = true }: UploadParameters,
  ) {
    const { receivedBytes } = target;
    if (offset > receivedBytes) {
      const description = `must not exceed the ${receivedBytes} bytes received.`;
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

  /** Stores the next full piece. */
  async store(): Promise<void> {
    await this.pace.keep(() => this.#write(false));
  }

  /** Stores the last piece. */
  async finish(): Promise<Answer> {
    if (this.#complete && this.#repeated > 0) {
      throw fileDiffers(`the call ends ${this.#repeated} bytes before the end of the received bytes.`);
    }
    return this.#write(this.#complete);
  }

  /** Compares repeated bytes with the stored ones, which never change. */
  async #repeat(data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length;) {
      const place = this.#received - this.#repeated;
      const piece = await this.#pieceAt(place);
      const stored = piece.data.subarray(place - piece.start).subarray(0, data.length - done);
      if (!stored.equals(data.subarray(done, done + stored.length))) {
        throw fileDiffers('the repeated bytes differ from the received ones.');
      }
      done += stored.length;
      this.#repeated -= stored.length;
    }
  }

  async #pieceAt(place: number): Promise<StoredPiece> {
    const last = this.#repeatedPiece;
    if (last && last.start <= place && place < last.start + last.data.length) return last;
    const piece = await this.target.pieceAt(place);
    // Another call has completed the file, and its bytes may have been deleted since.
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
    const answer = await evenWithoutClient(() => this.target.store(this.#received, data, isComplete));
    this.#received = received;
    return answer;
  }
}

/** Does work that ends although the client of the call has gone: statements of such a call are refused. */
function evenWithoutClient<Result>(work: () => Promise<Result>): Promise<Result> {
  const call = callContext.getStore();
  return call ? callContext.run({ ...call, gone: new AbortController().signal }, work) : work();
}

function fileDiffers(why: string): AppError {
  const description = `does not match the upload: ${why} Check that it is the same file.`;
  return invalidArgument([{ field: 'offset', reason: 'FILE_DIFFERS', description }]);
}

function isBrokenOff(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
