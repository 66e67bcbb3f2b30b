import type { CallOptions } from './call.js';
import type { File, Operation } from './gen/messages.js';
import type { CreateFileUploadRequest, CreateImportRequest, Resources } from './gen/resources.js';
import { RapportError } from './problem.js';
import { jitterMs, pause } from './transport.js';

export interface UploadOptions extends CallOptions {
  /** Continues an upload of the same bytes: the id that `onProgress` named. */
  resume?: string | undefined;
  /** Called with what the server has, after each piece. */
  onProgress?: ((progress: { id: string; receivedBytes: number; totalBytes: number }) => void) | undefined;
  /** Size of the pieces in which the bytes are sent. Defaults to 8 MiB. */
  pieceBytes?: number | undefined;
}

/** Bytes that can be read again. In Node, `fs.openAsBlob(path)` is a file. */
export type Bytes = Blob | Uint8Array<ArrayBuffer> | ArrayBuffer | string;

/** Uploads a file of a record, in pieces. A piece whose connection breaks continues at the byte that the server has. */
export type UploadFile = (request: CreateFileUploadRequest & { body: Bytes }, options?: UploadOptions) => Promise<File>;

/** Creates an import and uploads its file. Follow it with `operations.watch` or `operations.wait`. */
export type UploadImport = (
  request: CreateImportRequest & { body: Bytes },
  options?: UploadOptions,
) => Promise<Operation>;

interface Target<State> {
  put: (body: Blob, offset: number, complete: boolean) => Promise<State>;
  get: () => Promise<State>;
  isComplete: (state: State) => boolean;
}

/** How long a piece may take, in milliseconds: an edge that does not answer must not hold up the upload. */
const pieceMs = 300_000;

/** Failures in a row, without a byte in between, after which an upload is given up. */
const maxFailures = 10;

export function fileUpload({ fileUploads }: Pick<Resources, 'fileUploads'>): UploadFile {
  return async ({ body, ...request }, options = {}) => {
    const blob = new Blob([body]);
    const create = async () => (await fileUploads.create({ sizeBytes: blob.size, ...request }, options)).id;
    const id = options.resume ?? (await create());
    const { file } = await send(blob, id, options, {
      put: (piece, offset, complete) =>
        fileUploads.upload({ id, offset, complete, body: piece }, { timeoutMs: pieceMs, ...options }),
      get: () => fileUploads.get({ id }, options),
      isComplete: (state) => state.file !== undefined,
    });
    return file!;
  };
}

export function importUpload({ imports, operations }: Pick<Resources, 'imports' | 'operations'>): UploadImport {
  return async ({ body, ...request }, options = {}) => {
    const id = options.resume ?? (await imports.create(request, options)).id;
    return send(new Blob([body]), id, options, {
      put: (piece, offset, complete) =>
        imports.uploadFile({ id, offset, complete, body: piece }, { timeoutMs: pieceMs, ...options }),
      get: () => operations.get({ id }, options),
      isComplete: ({ state }) => state !== 'WAITING',
    });
  };
}

async function send<State extends { receivedBytes: number }>(
  blob: Blob,
  id: string,
  { resume, signal, onProgress, pieceBytes = 8 * 1024 * 1024 }: UploadOptions,
  { put, get, isComplete }: Target<State>,
): Promise<State> {
  let state = resume === undefined ? undefined : await get();
  for (let failures = 0; state === undefined || !isComplete(state);) {
    // A request needs a byte, also when only the end of the file is missing.
    const offset = Math.min(state?.receivedBytes ?? 0, Math.max(blob.size - 1, 0));
    const end = Math.min(offset + pieceBytes, blob.size);
    try {
      state = await put(blob.slice(offset, end), offset, end === blob.size);
    } catch (error) {
      if (!(error instanceof RapportError && error.retryable) || failures >= maxFailures) throw error;
      await pause((error.retryAfterMs ?? 0) + jitterMs(failures++), signal);
      state = await get();
    }
    if (state.receivedBytes > offset) failures = 0;
    onProgress?.({ id, receivedBytes: state.receivedBytes, totalBytes: blob.size });
  }
  return state;
}
