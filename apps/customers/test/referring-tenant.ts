import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import {
  createOrm,
  queryRows,
  runMigrations,
  tenantSession,
  writeStatementsOnce,
  type MigrationClass,
  type StatementTransaction,
} from '@rapport/persistence';
import { callContext, MasterKeys, type Caller } from '@rapport/platform';
import type { ProvisionedDatabase } from '@rapport/testing';
import type pg from 'pg';
import { v7 } from 'uuid';
import { vi } from 'vitest';
import { recordMigration } from '../migration-text/record-migration.ts';
import { entities } from '../src/database.js';
import { migrations } from '../src/migrations.js';
import type { RecordType } from '../src/engine/fields/record-type.js';
import { openStored, rowReader, shownColumns, type StoredRecord } from '../src/engine/records/record-rows.js';
import { Sealing } from '../src/engine/sealing/sealing.js';
import { SubjectKeys } from '../src/engine/sealing/subject-keys.js';
import { createRecord, updateRecord } from '../src/engine/write/write-record.js';
import { newDatabase, newKeys, type Keys } from './databases.js';
import { addReferringTypes, contract, referringContracts, type Referring } from './referring-records.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';
import { tablesWith } from './tables-with.js';

type Orm = ReturnType<typeof createOrm>;

/** The service with record types that refer to customers. */
export class ReferringService {
  private constructor(
    readonly customers: RunningCustomers,
    readonly keys: Keys,
    readonly types: ReadonlyMap<string, RecordType<Referring>>,
    private readonly orm: Orm,
    private readonly sealing: Sealing,
    /** Sees the rows of all tables. */
    readonly superuser: pg.Client,
  ) {}

  static async start(): Promise<ReferringService> {
    const types = addReferringTypes();
    const databases = await databaseWithTypes();
    const keys = await newKeys();
    const customers = await RunningCustomers.start({ databases, keys, encryptionStalenessMs: 20 });
    const orm = createOrm({ databaseUrl: databases.appUrl, entities });
    const subjectKeys = new SubjectKeys(keys.databaseUrl, new MasterKeys(keys.masterKey));
    const sealing = new Sealing(subjectKeys, 20).registerFor(orm.em);
    return new ReferringService(customers, keys, types, orm, sealing, await customers.connectAsSuperuser());
  }

  typeOf(singular: string): RecordType<Referring> {
    const type = this.types.get(singular);
    if (!type) throw new Error(`${singular} is not a type of the test.`);
    return type;
  }

  /** The tables in which any row contains a text. */
  tablesWith(text: string): Promise<string[]> {
    return tablesWith(this.superuser, text);
  }

  /** Runs work as a call of the service. */
  call<Result>(caller: Caller, work: (em: Orm['em']) => Promise<Result>): Promise<Result> {
    return callContext.run({ requestId: v7(), caller }, () => {
      const em = this.orm.em.fork({ session: tenantSession(caller.tenantId) });
      return this.sealing.run(em, () => work(em));
    });
  }
}

/** A tenant with records of several types. */
export class ReferringTenant {
  readonly caller: Caller = newCaller();

  constructor(private readonly service: ReferringService) {}

  createPerson(customer: Partial<Customer> = {}): Promise<Customer> {
    return this.service.customers.create(this.caller, person(customer));
  }

  /** @param requestId idempotency key, whose response is stored */
  create(singular: string, given: Partial<Referring>, requestId?: string): Promise<Referring> {
    const type = this.service.typeOf(singular);
    const sent = { ...type.empty(), guests: [], stops: [], ...given };
    return this.write((transaction) => createRecord(transaction, type, { [singular]: sent }), requestId);
  }

  /** Changes the given fields. */
  change(singular: string, id: string, changes: Partial<Referring>): Promise<Referring> {
    const type = this.service.typeOf(singular);
    const sent = { ...type.empty(), guests: [], stops: [], ...changes };
    const request = { id, [singular]: sent, updateMask: Object.keys(changes) };
    return this.write((transaction) => updateRecord(transaction, type, request));
  }

  /** @returns the id of the merge */
  async merge(id: string, mergedId: string): Promise<string> {
    const merging = { mergedId, mergedEtag: undefined, preferMerged: [] };
    const answer = await this.service.customers.call('mergeCustomers', { id, merge: merging }, this.caller);
    return answer.merge?.id ?? '';
  }

  async unmerge(id: string): Promise<void> {
    await this.service.customers.call('unmergeCustomers', { id }, this.caller);
  }

  /** @returns the receipt's number of records of each class */
  async erase(id: string): Promise<Record<string, number>> {
    const erasure = { reason: 'case 4711' };
    const { erased } = await this.service.customers.call('eraseCustomer', { id, erasure }, this.caller);
    return Object.fromEntries(erased.map(({ dataClass, count }) => [dataClass, count]));
  }

  /** Enables encryption and waits until all data is encrypted. @returns the id of the operation */
  async encrypt(): Promise<string> {
    const { id } = await this.service.customers.call('encryptPersonalData', {}, this.caller);
    const state = async () => (await this.service.customers.call('getOperation', { id }, this.caller)).state;
    await vi.waitUntil(async () => (await state()) === State.SUCCEEDED, { timeout: 60_000, interval: 50 });
    return id;
  }

  private write(
    work: (transaction: StatementTransaction) => Promise<Referring>,
    requestId?: string,
  ): Promise<Referring> {
    const call = {
      ...{ method: '/rapport.visits.v1.Visits/Write', requestId, request: new Uint8Array() },
      encode: (answer: Referring) => Buffer.from(JSON.stringify(answer)),
      decode: (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as Referring,
    };
    return this.service.call(this.caller, (em) => writeStatementsOnce(em, call, work));
  }

  /** All records of a type, live and deleted, by their ids. */
  async all(singular: string): Promise<Referring[]> {
    const type = this.service.typeOf(singular);
    return this.service.call(this.caller, async (em) => {
      const rows = await queryRows<StoredRecord<Referring>>(em, {
        name: `all_${singular}s`,
        sql: `select ${shownColumns(type)} from ${type.table} where tenant_id = $1 order by id`,
        values: [this.caller.tenantId],
        row: rowReader(type),
      });
      return openStored(type, rows);
    });
  }

  /** Rows of a statement of the tenant. */
  async rows<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return this.service.call(this.caller, (em) => queryRows<Row>(em, { sql, values }));
  }

  async update(singular: string, { id }: Referring, set: string): Promise<void> {
    const sql = `update ${singular} set ${set}, version = version + 1 where id = $1`;
    await this.service.call(this.caller, (em) =>
      em.transactional((transaction) => queryRows(transaction, { sql, values: [id] })),
    );
  }
}

async function databaseWithTypes(): Promise<ProvisionedDatabase> {
  const databases = await newDatabase();
  const printed: MigrationClass[] = [];
  for (const record of ['badge', 'bill', 'scan', 'docket', 'visit']) printed.push(await importedMigration(record));
  await runMigrations({ databaseUrl: databases.ownerUrl, entities, migrations: [...migrations, ...printed] });
  return databases;
}

/** The printed migration, from a temporary file beside the sources. */
async function importedMigration(singular: string): Promise<MigrationClass> {
  const { name, text } = recordMigration(contract, referringContracts.get(singular)!);
  const folder = join(import.meta.dirname, '../test-results', `printed-${v7()}`);
  await mkdir(folder, { recursive: true });
  try {
    const file = join(folder, `${name}.migration.ts`);
    await writeFile(file, text.replaceAll(`from './`, `from '../../src/migrations/`));
    return Object.values((await import(file)) as Record<string, MigrationClass>)[0]!;
  } finally {
    await rm(folder, { recursive: true });
  }
}
