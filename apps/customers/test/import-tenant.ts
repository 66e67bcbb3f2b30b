import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceError } from '@grpc/grpc-js';
import { fromGrpcError } from '@rapport/contracts';
import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  ListMode,
  type ImportCustomersRequest,
  type ImportCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import { isSoak } from '@rapport/testing';
import pg from 'pg';
import { v7 } from 'uuid';
import { expect, inject } from 'vitest';
import { newCaller, type SharedCustomers } from './running-customers.js';

/** The contract's deadline for imports in the long form, whose files are large. */
const longestImportMs = isSoak ? 3_600_000 : 120_000;

/** A file to upload. */
export interface File {
  contentType: string;
  data: string | Uint8Array;
  map?: string[];
  kind?: CustomerKind;
  externalIdSystem?: string;
  validateOnly?: boolean;
  defaultCountry?: string;
  language?: string;
  listMode?: ListMode;
  /** Bytes per message. */
  pieceSize?: number;
}

export function csv(data: string | Uint8Array, more: Partial<File> = {}): File {
  return { contentType: 'text/csv', data, ...more };
}

export function rowsOf(rows: object[], more: Partial<File> = {}): File {
  return { contentType: 'application/x-ndjson', data: rows.map((row) => JSON.stringify(row)).join('\n'), ...more };
}

/** One of the repository's small sample files. */
export function sample(name: string): Promise<Buffer> {
  return readFile(join(import.meta.dirname, 'samples', name));
}

export const none = { created: 0, updated: 0, unchanged: 0, joined: 0, failed: 0 };

/** The results of the rows, each counted once. */
export function counts({ rows, created, updated, unchanged, joined, failed }: ImportCustomersResponse) {
  expect(created + updated + unchanged + joined + failed).toBe(rows);
  return { created, updated, unchanged, joined, failed };
}

export function issues(answer: ImportCustomersResponse): [number, string, string | undefined][] {
  return answer.issues.map(({ line, reason, field }) => [line, reason, field]);
}

/** A new tenant that imports files. */
export class ImportTenant {
  private constructor(
    private readonly customers: SharedCustomers,
    readonly caller: Caller,
    /** The owner of the tables, for this tenant. */
    readonly database: pg.Client,
  ) {}

  static async create(customers: SharedCustomers, caller = newCaller()): Promise<ImportTenant> {
    const database = new pg.Client({ connectionString: customers.urls.ownerUrl });
    await database.connect();
    await database.query(`select set_config('app.tenant_id', $1, false)`, [caller.tenantId]);
    return new ImportTenant(customers, caller, database);
  }

  close(): Promise<void> {
    return this.database.end();
  }

  /** Rejects with the AppError that the edge gets. */
  importFile(file: File): Promise<ImportCustomersResponse> {
    return this.upload(messages(file));
  }

  /** Imports a file while more than four customers at once take longer than the server lets a statement run. */
  async importFileSlowly(file: File): Promise<ImportCustomersResponse> {
    await this.database.query(`
      create function slow_customers() returns trigger language plpgsql as $$ begin
        if (select count(*) > 4 from added) then perform pg_sleep(9); end if;
        return null;
      end $$;
      create trigger slow_customers after insert on customer referencing new table as added
        for each statement execute function slow_customers()`);
    try {
      return await this.importFile(file);
    } finally {
      await this.database.query('drop function slow_customers cascade');
    }
  }

  /** Sends messages with backpressure. */
  upload(
    requests: Iterable<ImportCustomersRequest> | AsyncIterable<ImportCustomersRequest>,
  ): Promise<ImportCustomersResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<ImportCustomersResponse>();
    const call = this.open((error, answer) => (error ? reject(fromGrpcError(error)) : resolve(answer!)));
    const send = async () => {
      for await (const request of requests) {
        if (call.write(request)) continue;
        await Promise.race([once(call, 'drain'), promise]);
      }
      call.end();
    };
    return Promise.all([promise, send()]).then(([answer]) => answer);
  }

  open(settle: (error: ServiceError | null, answer?: ImportCustomersResponse) => void) {
    const metadata = this.customers.metadataOf(this.caller);
    return this.customers.client.importCustomers(metadata, { deadline: Date.now() + longestImportMs }, settle);
  }

  /** Resolves when this many sessions of the service match the condition. Only a superuser sees their activity. */
  async waitForSessions(count: number, condition: string): Promise<void> {
    const observer = new pg.Client({ connectionString: inject('superuserUrl') });
    await observer.connect();
    const sessions = `select from pg_stat_activity where datname = $1 and ${condition}`;
    try {
      while ((await observer.query(sessions, [this.database.database])).rowCount !== count);
    } finally {
      await observer.end();
    }
  }

  /**
   * Begins a write of a customer Eve with this e-mail address. The returned function commits it as soon as another
   * writer waits for the address.
   */
  async beginEve(address: string): Promise<() => Promise<void>> {
    await beginEve(this.database, this.caller, address);
    return async () => {
      await this.waitForSessions(1, `wait_event_type = 'Lock' and query like '%customer_key%'`);
      await this.database.query('commit');
    };
  }

  /** Every stored row with PostgreSQL's system columns that a write changes. */
  async storedRows(): Promise<unknown[]> {
    const { rows } = await this.database.query<{ stored: string }>(`
      select xmin::text, ctid::text, customer::text as stored from customer
      union all select xmin::text, ctid::text, customer_key::text from customer_key order by stored`);
    return rows;
  }

  /** The first 100 customers. */
  async stored(): Promise<Customer[]> {
    const { rows } = await this.database.query<{ id: string }>('select id from customer order by id limit 100');
    const ids = rows.map(({ id }) => id);
    const found = await this.customers.call('batchGetCustomers', { ids }, this.caller);
    return found.customers;
  }
}

/** Begins a write of a customer Eve with this e-mail address, for which other writers of the address wait. */
export async function beginEve(owner: pg.Client, { tenantId }: Caller, address: string): Promise<void> {
  const id = v7();
  await owner.query('begin');
  await owner.query(
    `insert into customer (tenant_id, id, kind, display_name, emails, phones, addresses, external_ids, domains, tags,
       search_text, sort_name, version, create_time, update_time, created_by, updated_by)
     values ($1, $2, 'PERSON', 'Eve', $3, '[]', '[]', '[]', '{}', '{}', 'eve', 'eve', 1, now(), now(), 'x', 'x')`,
    [tenantId, id, JSON.stringify([{ address }])],
  );
  await owner.query(`insert into customer_key values ($1, 'EMAIL', $2, $3)`, [tenantId, address, id]);
}

/**
 * The messages of an upload: the first has the parameters, then one per piece of the file, and an empty one at the end.
 */
export function* messages(file: File): Generator<ImportCustomersRequest> {
  yield* pieces(file);
  yield endOfFile;
}

/** The messages of an upload without the end marker. */
export function* pieces(file: File): Generator<ImportCustomersRequest> {
  const { contentType, data, map = [], kind = CustomerKind.UNSPECIFIED, pieceSize = 30_000 } = file;
  const { externalIdSystem, validateOnly, defaultCountry, language, listMode = ListMode.UNSPECIFIED } = file;
  const options = { externalIdSystem, validateOnly, defaultCountry, language, listMode };
  const bytes = Buffer.from(data);
  for (let start = 0; start === 0 || start < bytes.length; start += pieceSize) {
    const piece = bytes.subarray(start, start + pieceSize);
    yield start === 0
      ? { file: { contentType, data: piece, extensions: [] }, map, kind, ...options }
      : furtherPiece(piece);
  }
}

/** The end marker. */
export const endOfFile = furtherPiece(Buffer.alloc(0));

export function furtherPiece(data: Buffer): ImportCustomersRequest {
  const file = { contentType: '', data, extensions: [] };
  const none = { kind: CustomerKind.UNSPECIFIED, listMode: ListMode.UNSPECIFIED };
  return { file, map: [], ...none, externalIdSystem: undefined };
}
