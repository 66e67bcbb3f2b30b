import { once } from 'node:events';
import { fromGrpcError } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { ListMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import {
  OperationsServiceClient,
  type ImportInput,
  type Operation,
  type UploadImportFileRequest,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { credentials } from '@grpc/grpc-js';
import type { Caller } from '@rapport/platform';
import pg from 'pg';
import { vi } from 'vitest';
import { beginEve } from './import-tenant.js';
import { OtherWrite } from './other-write.js';
import { newCaller, type SharedCustomers } from './running-customers.js';

const patience = { timeout: 60_000 };

/** A tenant that imports files by operations. */
export class OperationTenant {
  readonly #client: OperationsServiceClient;

  private constructor(
    readonly customers: SharedCustomers,
    readonly caller: Caller,
    /** The owner of the tables, for this tenant. */
    readonly database: pg.Client,
  ) {
    const channelOverride = customers.client.getChannel();
    this.#client = new OperationsServiceClient('', credentials.createInsecure(), { channelOverride });
  }

  static async create(customers: SharedCustomers, caller = newCaller()): Promise<OperationTenant> {
    const database = new pg.Client({ connectionString: customers.urls.ownerUrl });
    await database.connect();
    await database.query(`select set_config('app.tenant_id', $1, false)`, [caller.tenantId]);
    return new OperationTenant(customers, caller, database);
  }

  close(): Promise<void> {
    return this.database.end();
  }

  createImport(input: Partial<ImportInput> = {}, requestId?: string): Promise<Operation> {
    const unset = { kind: CustomerKind.UNSPECIFIED, listMode: ListMode.UNSPECIFIED };
    const whole = { contentType: 'text/csv', map: [], ...unset, ...input };
    return this.customers.call('createImport', { import: whole, requestId }, this.caller);
  }

  get(id: string): Promise<Operation> {
    return this.customers.call('getOperation', { id }, this.caller);
  }

  /** Uploads a file and starts its import. */
  async start(data: string | Uint8Array, input: Partial<ImportInput> = {}): Promise<Operation> {
    const { id } = await this.createImport(input);
    return this.upload(id, [data]);
  }

  /** Imports a file to its end. */
  async run(data: string | Uint8Array, input: Partial<ImportInput> = {}): Promise<Operation> {
    const { id } = await this.start(data, input);
    return this.untilEnded(id);
  }

  /** Waits for SUCCEEDED, FAILED, CANCELLED or UNDONE. */
  async untilEnded(id: string): Promise<Operation> {
    // Polling calls would slow it down.
    const ended = `select from operation where id = $1 and state in ('SUCCEEDED', 'FAILED', 'CANCELLED', 'UNDONE')`;
    const hasEnded = async () => (await this.database.query(ended, [id])).rowCount === 1;
    await vi.waitUntil(hasEnded, { ...patience, interval: 10 });
    return this.get(id);
  }

  async until(id: string, isThere: (operation: Operation) => boolean): Promise<Operation> {
    let operation = await this.get(id);
    const look = async () => isThere((operation = await this.get(id)));
    if (!isThere(operation)) await vi.waitUntil(look, { ...patience, interval: 50 });
    return operation;
  }

  /** Blocks an import at this e-mail address, by a concurrent write of the address, until it is released. */
  async hold(address: string): Promise<OtherWrite> {
    await beginEve(this.database, this.caller, address);
    return new OtherWrite(this.database);
  }

  /**
   * Blocks an import at an address, and steers it there.
   *
   * @returns the response: at the end of the chunk of the address, or of a later one when the worker reaches the row
   *   first
   */
  async steerAt(address: string, how: 'pauseOperation' | 'cancelOperation', data: string): Promise<Operation> {
    const held = await this.hold(address);
    const { id } = await this.start(data);
    await held.untilWaiting(1);
    const answer = this.customers.call(how, { id }, this.caller);
    await held.untilWaiting(2);
    await held.release();
    return answer;
  }

  undo(id: string): Promise<Operation> {
    return this.customers.call('undoOperation', { id }, this.caller).then(() => this.untilEnded(id));
  }

  upload(id: string, data: (string | Uint8Array)[], more: Partial<UploadImportFileRequest> = {}): Promise<Operation> {
    const { call, answer } = this.openUpload();
    const send = async () => {
      for (const message of uploadMessages(id, data, more)) {
        if (!call.write(message)) await Promise.race([once(call, 'drain'), answer.catch(() => undefined)]);
      }
      call.end();
    };
    return Promise.all([answer, send()]).then(([operation]) => operation);
  }

  openUpload() {
    const { promise: answer, resolve, reject } = Promise.withResolvers<Operation>();
    const metadata = this.customers.metadataOf(this.caller);
    const call = this.#client.uploadImportFile(metadata, { deadline: Date.now() + 60_000 }, (error, operation) =>
      error ? reject(fromGrpcError(error)) : resolve(operation),
    );
    return { call, answer };
  }

  watch(id: string) {
    const metadata = this.customers.metadataOf(this.caller);
    return this.#client.watchOperation({ id }, metadata, { deadline: Date.now() + 60_000 });
  }

  async download(id: string): Promise<string> {
    const metadata = this.customers.metadataOf(this.caller);
    const pieces: Uint8Array[] = [];
    const call = this.#client.downloadOperationIssues({ id }, metadata) as AsyncIterable<HttpBody>;
    for await (const { data } of call) pieces.push(data);
    return Buffer.concat(pieces).toString();
  }

  /** The reasons of all issues, in their order. */
  async reasons(id: string): Promise<string[]> {
    const { issues } = await this.customers.call('listOperationIssues', { id, pageSize: 1_000 }, this.caller);
    return issues.map(({ reason }) => reason);
  }

  /** Every row of every table of customers, as text, without columns that a write always changes. */
  async dump(without = ['version', 'update_time', 'updated_by']): Promise<string[]> {
    const { rows } = await this.database.query<{ stored: string }>(
      `select (to_jsonb(customer) - $1::text[])::text as stored from customer
       union all select to_jsonb(customer_key)::text from customer_key
       union all select to_jsonb(customer_order_value)::text from customer_order_value order by stored`,
      [without],
    );
    return rows.map(({ stored }) => stored);
  }

  /** The content of customers, without actors and times. */
  async contents(): Promise<string[]> {
    const { rows } = await this.database.query<{ stored: string }>(
      `select (to_jsonb(customer) - $1::text[])::text as stored from customer
       union all select concat(type, ' ', value, ' ', display_name) from customer_key
         join customer on customer.id = customer_id order by stored`,
      [['tenant_id', 'id', 'create_time', 'update_time', 'created_by', 'updated_by', 'lifecycle_stage_time']],
    );
    return rows.map(({ stored }) => stored);
  }

  /** Rows of the working tables of an operation. */
  async leftovers(): Promise<number> {
    const { rows } = await this.database.query<{ count: number }>(
      `select ((select count(*) from import_piece) + (select count(*) from import_met)
         + (select count(*) from import_draft) + (select count(*) from import_draft_key)
         + (select count(*) from operation_job where tenant_id = $1))::int as count`,
      [this.caller.tenantId],
    );
    return rows[0]!.count;
  }

  async untilCleared(): Promise<void> {
    await vi.waitUntil(async () => (await this.leftovers()) === 0, { ...patience, interval: 10 });
  }
}

/** The messages of an upload; the last one is empty. */
export function* uploadMessages(
  id: string,
  data: (string | Uint8Array)[],
  more: Partial<UploadImportFileRequest> = {},
): Generator<UploadImportFileRequest> {
  yield { id, file: body(new Uint8Array()), offset: undefined, complete: undefined, ...more };
  for (const piece of data) {
    const bytes = Buffer.from(piece);
    for (let start = 0; start < bytes.length; start += 100_000) {
      yield { id: '', file: body(bytes.subarray(start, start + 100_000)) };
    }
  }
  yield { id: '', file: body(new Uint8Array()) };
}

export function body(data: Uint8Array): HttpBody & { data: Buffer } {
  return { contentType: '', data: Buffer.from(data), extensions: [] };
}

/** A file of this many people; each tenth row repeats the previous person, and some are invalid. */
export function people(count: number, from = 0): string {
  const rows = Array.from({ length: count }, (_, index) => {
    const number = from + index - (index % 10 === 9 ? 1 : 0);
    const phone = index % 7 === 0 ? '12' : `+4930${1_000_000 + number}`;
    const email = index % 23 === 22 ? 'nobody' : `p${number}@example.com`;
    return `Ada ${number},Lovelace,${email},${phone},t${number % 5},lead`;
  });
  return ['given name,family name,email,phone,tag,lifecycle stage', ...rows, 'Keyless,,,,,', 'Keyless,,,,,', ''].join(
    '\n',
  );
}
