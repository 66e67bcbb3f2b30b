import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { ImportIssue } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Operation } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { expect } from 'vitest';
import type { Keys } from './databases.js';
import { EncryptedTenant, everythingIn, personalValues, someone, valuesIn } from './encrypted-tenant.js';
import { OperationTenant } from './operation-tenant.js';
import { OtherWrite } from './other-write.js';
import { repeatWhile } from './repeat-while.js';
import type { RunningCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

/** Options of the service: few rows are several chunks. */
export const encryptedImportOptions = {
  encryptionStalenessMs: 20,
  jobLookMs: 50,
  bulkLimits: { importChunkRows: 20 },
};

/** Repeats a write while an import that has overtaken it holds its locks, up to as long as a statement may take. */
export function untilWritten<Answer>(write: () => Promise<Answer>): Promise<Answer> {
  return repeatWhile('DATABASE_TIMEOUT', () => repeatWhile('CONCURRENT_WRITE', write));
}

interface WaitingImport {
  id: string;
  held: OtherWrite;
  releaseLast: () => Promise<void>;
}

/** An encrypted tenant that imports files by operations. */
export class EncryptedImports {
  private constructor(
    readonly customers: RunningCustomers,
    private readonly keys: Keys,
    readonly tenant: OperationTenant,
    readonly encrypted: EncryptedTenant,
  ) {}

  /** A tenant that is not encrypted yet. */
  static async create(customers: RunningCustomers, keys: Keys): Promise<EncryptedImports> {
    const tenant = await OperationTenant.create(customers);
    return new EncryptedImports(customers, keys, tenant, new EncryptedTenant(customers, tenant.caller));
  }

  /** The whole content of the databases. */
  stored(): Promise<string> {
    return everythingIn([this.customers.urls.ownerUrl, this.keys.databaseUrl]);
  }

  /** Holds a customer, so that an import waits at its row. */
  async hold(id: string): Promise<OtherWrite> {
    await this.tenant.database.query('begin');
    await this.tenant.database.query('select from customer where id = $1 for update', [id]);
    return new OtherWrite(this.tenant.database);
  }

  /**
   * Starts an import of 70 people, of whom one is held and the last one too: it waits at the first, and no later step overtakes what
   * waits for it then.
   */
  async waitingImport(known: Customer, mark: string): Promise<WaitingImport> {
    const last = await this.encrypted.create(someone(`${mark}last`));
    const superuser = await superuserOf(this.customers.urls.ownerUrl);
    await superuser.query('begin');
    await superuser.query('select from customer where id = $1 for update', [last.id]);
    const rows = marked(mark, 70);
    rows[50] = { ...rows[50], emails: known.emails };
    rows[69] = { ...rows[69], emails: last.emails };
    const held = await this.hold(known.id);
    const { id } = await this.tenant.start(csvOf(rows, mark));
    await held.untilWaiting(1);
    expect(valuesIn(await this.stored(), [mark, ...rows.flatMap(personalValues)])).toEqual([]);
    return { id, held, releaseLast: () => superuser.end() };
  }

  /** As `waitingImport`, and pauses it there. */
  async pausedImport(known: Customer, mark: string): Promise<Operation> {
    const { id, held, releaseLast } = await this.waitingImport(known, mark);
    const pausing = untilWritten(() => this.customers.call('pauseOperation', { id }, this.tenant.caller));
    await held.untilWaiting(2);
    await held.release();
    const paused = await pausing;
    await releaseLast();
    return paused;
  }

  async issuesOf(id: string): Promise<ImportIssue[]> {
    const request = { id, pageSize: 1_000 };
    return (await this.customers.call('listOperationIssues', request, this.tenant.caller)).issues;
  }

  async reportKeyOf(id: string): Promise<string> {
    const query = 'select key_subject as subject from operation where id = $1';
    return this.#subject(query, id);
  }

  async fileKeyOf(id: string): Promise<string> {
    const query = 'select distinct key_subject as subject from import_piece where operation_id = $1';
    return this.#subject(query, id);
  }

  /** Whether each key of these subjects is destroyed. */
  async areDestroyed(subjects: readonly string[]): Promise<boolean[]> {
    const database = await superuserOf(this.keys.databaseUrl);
    const { rows } = await database.query<{ destroyed: boolean }>(
      'select wrapped is null as destroyed from subject_key where customer_id = any ($1)',
      [subjects],
    );
    await database.end();
    return rows.map(({ destroyed }) => destroyed);
  }

  /** Number of keys of the tenant, destroyed or not. */
  async keyCount(): Promise<number> {
    const database = await superuserOf(this.keys.databaseUrl);
    const query = 'select from subject_key where tenant_id = $1';
    const { rowCount } = await database.query(query, [this.tenant.caller.tenantId]);
    await database.end();
    return rowCount ?? 0;
  }

  async #subject(query: string, id: string): Promise<string> {
    const { rows } = await this.tenant.database.query<{ subject: string }>(query, [id]);
    expect(rows).toHaveLength(1);
    return rows[0]!.subject;
  }
}

/** People with marks in their personal values. */
export function marked(mark: string, count: number): Partial<Customer>[] {
  return Array.from({ length: count }, (_, index) => someone(`${mark}${index}x`));
}

/**
 * A file of people, whose header and invalid values are personal too.
 *
 * @param ids prefix of the external ids; empty for none
 */
export function csvOf(of: readonly Partial<Customer>[], mark: string, ids = ''): string {
  const rows = of.map(({ displayName, givenName, familyName, emails, phones, addresses }, index) => {
    const phone = index % 7 === 6 ? `${mark}nophone` : phones![0]!.number;
    const address = [emails![0]!.address, phone, addresses![0]!.street];
    return [ids && `${ids}${index}`, displayName, givenName, familyName, ...address, `${mark}x`].join(',');
  });
  return [`externalId.import,name,given name,family name,email,phone,street,${mark} header`, ...rows, ''].join('\n');
}
