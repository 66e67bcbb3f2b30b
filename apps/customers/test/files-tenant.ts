import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { credentials } from '@grpc/grpc-js';
import { fromGrpcError } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  FilesServiceClient,
  FilesServiceService,
  FileUpload,
  type DownloadFileRequest,
  type File,
  type UploadFileRequest,
} from '@rapport/contracts/rapport/content/v1/files_service';
import type { Caller } from '@rapport/platform';
import pg from 'pg';
import { newCaller, type SharedCustomers } from './running-customers.js';

/** A tenant that stores files. */
export class FilesTenant {
  readonly #client: FilesServiceClient;

  private constructor(
    readonly customers: SharedCustomers,
    readonly caller: Caller,
    /** The owner of the tables, for this tenant. */
    readonly database: pg.Client,
  ) {
    const channelOverride = customers.client.getChannel();
    this.#client = new FilesServiceClient('', credentials.createInsecure(), { channelOverride });
  }

  static async create(customers: SharedCustomers, caller = newCaller()): Promise<FilesTenant> {
    const database = new pg.Client({ connectionString: customers.urls.ownerUrl });
    await database.connect();
    await database.query(`select set_config('app.tenant_id', $1, false)`, [caller.tenantId]);
    return new FilesTenant(customers, caller, database);
  }

  close(): Promise<void> {
    return this.database.end();
  }

  createUpload(record: string, upload: Partial<FileUpload> = {}, caller = this.caller): Promise<FileUpload> {
    const fileUpload = { ...FileUpload.decode(new Uint8Array()), record, name: 'notes.txt', ...upload };
    return this.customers.call('createFileUpload', { fileUpload }, caller);
  }

  getUpload(id: string): Promise<FileUpload> {
    return this.customers.call('getFileUpload', { id }, this.caller);
  }

  /** Uploads a whole file of a record. */
  async addFile(record: string, data: string | Uint8Array, upload: Partial<FileUpload> = {}): Promise<File> {
    const { id } = await this.createUpload(record, upload);
    const { file } = await this.upload(id, [data]);
    return file!;
  }

  /** @param caller by default the tenant's */
  async filesOf(record: string, caller = this.caller): Promise<File[]> {
    return (await this.customers.call('listFiles', { record }, caller)).files;
  }

  /** A call whose messages the test sends itself. */
  openUpload(caller = this.caller) {
    const { promise: answer, resolve, reject } = Promise.withResolvers<FileUpload>();
    const call = this.#client.uploadFile(this.customers.metadataOf(caller), (error, upload) => {
      if (error) reject(fromGrpcError(error));
      else resolve(upload);
    });
    // The error of a refusal arrives with the response.
    call.on('error', () => undefined);
    return { call, answer };
  }

  async upload(
    id: string,
    pieces: readonly (string | Uint8Array)[],
    { offset, complete, caller }: { offset?: number; complete?: boolean; caller?: Caller } = {},
  ): Promise<FileUpload> {
    const { call, answer } = this.openUpload(caller);
    for (const message of uploadMessages(id, pieces, { offset, complete })) {
      if (!call.write(message)) await Promise.race([once(call, 'drain'), answer.catch(() => undefined)]);
    }
    call.end();
    return answer;
  }

  /** @param range in the format of the header Range */
  async range(id: string, range: string): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const { data } of this.messages(id, this.caller, { range })) pieces.push(data);
    return Buffer.concat(pieces);
  }

  /** The messages of a download. */
  async *messages(
    id: string,
    caller = this.caller,
    headers: Partial<DownloadFileRequest> = {},
  ): AsyncGenerator<HttpBody, void> {
    const { path } = FilesServiceService.downloadFile;
    yield* this.customers.streams.stream(
      path,
      { id, ...headers },
      {
        context: this.customers.outgoing(caller),
        deadlineMs: 600_000,
      },
    ) as AsyncGenerator<HttpBody, void>;
  }

  async download(id: string, caller = this.caller): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const { data } of this.messages(id, caller)) pieces.push(data);
    return Buffer.concat(pieces);
  }

  /** Bytes in the tables, and the counted ones. */
  async storedBytes(): Promise<{ stored: number; counted: number }> {
    const { rows } = await this.database.query<{ stored: string; counted: string }>(
      `select (select coalesce(sum(octet_length(data)), 0) from file_piece) as stored,
         (select coalesce(sum(bytes), 0) from file_usage) as counted`,
    );
    return { stored: Number(rows[0]?.stored), counted: Number(rows[0]?.counted) };
  }
}

/** The messages of one call: the parameters, the pieces, and the end marker. */
export function* uploadMessages(
  id: string,
  pieces: readonly (string | Uint8Array)[],
  parameters: Pick<UploadFileRequest, 'offset' | 'complete'> = {},
): Generator<UploadFileRequest> {
  yield { id, content: bodyOf(Buffer.alloc(0)), ...parameters };
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    for (let start = 0; start < bytes.length; start += 65_536) {
      yield { ...empty, content: bodyOf(bytes.subarray(start, start + 65_536)) };
    }
  }
  yield { ...empty, content: bodyOf(Buffer.alloc(0)) };
}

const empty = { id: '', offset: undefined, complete: undefined };

export function bodyOf(data: Uint8Array): HttpBody {
  return { contentType: '', data: Buffer.from(data), extensions: [] };
}

export function sha256Of(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
