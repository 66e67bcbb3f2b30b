import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createOrm,
  etagVersion,
  formatEtag,
  runMigrations,
  tenantSession,
  type MigrationClass,
} from '@rapport/persistence';
import { callContext, type Caller } from '@rapport/platform';
import type { ProvisionedDatabase } from '@rapport/testing';
import pg from 'pg';
import { v7 } from 'uuid';
import { classNameOf, recordMigration, type RecordMigration } from '../migration-text/record-migration.ts';
import { entities } from '../src/database.js';
import { migrations } from '../src/migrations.js';
import { changeColumns, entryOf, type ChangeEntry, type ChangeRow } from '../src/engine/changes/log/change-entry.js';
import { loggedRecord } from '../src/engine/changes/log/logged-record.js';
import { LoggedTypes } from '../src/engine/changes/log/logged-types.js';
import { RecordType } from '../src/engine/fields/record-type.js';
import { loggedTypes } from '../src/record-types.js';
import { newDatabase } from './databases.js';
import { trialContract } from './trial-records.js';

export type Message = Record<string, unknown>;

export const { contract, trials } = trialContract();

/** The type of the trials. Nothing calls its service. */
export const trialType = new RecordType(trials, {}, { indexVersion: 1 });

/** The types of the process, and the trials. */
export const typesWithTrials = new LoggedTypes([...loggedTypes.types, loggedRecord(trialType)]);

/** The table of the trials, created by a printed migration and used like the service's own tables. */
export class TrialTable {
  private constructor(
    readonly urls: ProvisionedDatabase,
    readonly app: pg.Client,
    /** Those of the table, after all others. */
    readonly printed: readonly MigrationClass[],
  ) {}

  static async create(): Promise<TrialTable> {
    const urls = await newDatabase();
    const printed = await importPrinted(recordMigration(contract, trials));
    await runMigrations({ databaseUrl: urls.ownerUrl, entities, migrations: [...migrations, printed] });
    const app = new pg.Client(urls.appUrl);
    await app.connect();
    return new TrialTable(urls, app, [printed]);
  }

  stop(): Promise<void> {
    return this.app.end();
  }

  /** @param stored further stored columns */
  insert(caller: Caller, trial: Message, stored: Message = {}): Promise<void> {
    return this.inSession(caller, async () => {
      const row = JSON.stringify({ ...rowOf(caller, trial), ...stored });
      await this.app.query('insert into trial select * from jsonb_populate_record(null::trial, $1)', [row]);
    });
  }

  /** @param set SQL of columns to set instead of the fields of the trial */
  update(caller: Caller, trial: Message, set?: string): Promise<void> {
    const row = rowOf(caller, trial);
    const columns = Object.keys(row).filter((column) => !['tenant_id', 'id'].includes(column));
    const all = columns.map((column) => `${column} = changed.${column}`).join(', ');
    return this.inSession(caller, async () => {
      await this.app.query(
        `update trial set ${set ?? all} from jsonb_populate_record(null::trial, $1) changed where trial.id = changed.id`,
        [JSON.stringify(row)],
      );
    });
  }

  remove(caller: Caller, { id }: Message): Promise<void> {
    return this.inSession(caller, async () => {
      await this.app.query('delete from trial where id = $1', [id]);
    });
  }

  async rows<Row extends object>(caller: Caller, sql: string): Promise<Row[]> {
    return this.inSession(caller, async () => (await this.app.query<Row>(sql)).rows);
  }

  /** In a transaction with the settings of a call. */
  async inSession<Result>(caller: Caller, work: () => Promise<Result>): Promise<Result> {
    const { tenantId, recordScope, principalId } = caller;
    const owners = recordScope === 'OWN' ? `{${principalId.split(':')[1] ?? ''}}` : '';
    await this.app.query('begin');
    try {
      const set = `select set_config('app.tenant_id', $1, true), set_config('app.owner_ids', $2, true)`;
      await this.app.query(set, [tenantId, owners]);
      const result = await work();
      await this.app.query('commit');
      return result;
    } catch (error) {
      await this.app.query('rollback');
      throw error;
    }
  }

  /** The change log of a tenant's trials, oldest change first. */
  async entriesOf(caller: Caller): Promise<ChangeEntry[]> {
    await this.app.query('select sequence_changes(null, null, 0, 10000)');
    const sql = `select ${changeColumns} from change_log where type = 'trial' order by position`;
    return (await this.rows<ChangeRow>(caller, sql)).map(entryOf);
  }

  async withEntityManager<Result>(
    caller: Caller,
    work: (em: ReturnType<typeof createOrm>['em']) => Promise<Result>,
  ): Promise<Result> {
    const orm = createOrm({ databaseUrl: this.urls.appUrl, entities });
    try {
      return await callContext.run({ requestId: v7(), caller }, () =>
        work(orm.em.fork({ session: tenantSession(caller.tenantId) })),
      );
    } finally {
      await orm.close();
    }
  }
}

/** A printed migration, from a file as it is in the sources. */
export async function importPrinted({ name, text }: RecordMigration): Promise<MigrationClass> {
  const folder = join(import.meta.dirname, '../test-results', `printed-${v7()}`);
  await mkdir(folder, { recursive: true });
  try {
    const file = join(folder, `${name}.migration.ts`);
    await writeFile(file, text.replaceAll(`from './`, `from '../../src/migrations/`));
    const classes = (await import(file)) as Record<string, MigrationClass>;
    return classes[classNameOf(name)]!;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** With a value in every field except those that name owners or other records. */
export function newTrial(given: Message = {}): Message {
  const now = new Date().toISOString();
  return {
    id: v7(),
    title: 'First',
    customerId: undefined,
    status: 1,
    amount: { currencyCode: 'EUR', amount: '12.50' },
    endDate: '2026-12-31',
    stageTime: '2026-02-01T12:30:00.250Z',
    labels: ['a', 'b"c'],
    steps: [{ key: 'meet', status: 1, note: 'soon' }],
    nextStep: { key: 'call', status: 2 },
    seats: 3,
    sizeBytes: 9_000_000_000,
    score: 0.25,
    accepted: true,
    source: '',
    ownerId: undefined,
    ownerTeamId: undefined,
    externalIds: [{ system: 'erp', id: '1' }],
    customFields: { plan: 'gold' },
    etag: formatEtag(1),
    createTime: now,
    updateTime: now,
    deleteTime: undefined,
    createdBy: 'user:1',
    updatedBy: 'user:1',
    ...given,
  };
}

/** A trial with its next version. */
export function nextOf(trial: Message): Message {
  const version = etagVersion(trial['etag'] as string) + 1;
  return { ...trial, etag: formatEtag(version), updateTime: new Date().toISOString() };
}

/** A trial in its stored form. */
function rowOf({ tenantId }: Caller, trial: Message): Message {
  const columns = trials.fields.map(({ name, column, desc }): [string, unknown] => {
    const value = trial[name];
    if (column === 'etag') return ['version', etagVersion(value as string)];
    return [column, desc.enum && desc.fieldKind !== 'list' ? desc.enum.value[value as number]?.localName : value];
  });
  return {
    ...Object.fromEntries(columns),
    ...{ tenant_id: tenantId, sort_title: trial['title'], search_text: trial['title'], terms: [], order_values: {} },
    ...{ index_version: 1, sealed: false },
  };
}

export async function insertCustomer({ app }: TrialTable, { tenantId }: Caller, id: string): Promise<void> {
  await app.query(
    `insert into customer (tenant_id, id, kind, display_name, emails, phones, addresses, external_ids, domains, tags,
       search_text, sort_name, version, create_time, update_time, created_by, updated_by)
     values ($1, $2, 'PERSON', 'x', '[]', '[]', '[]', '[]', '{}', '{}', 'x', 'x', 1, now(), now(), 'test', 'test')`,
    [tenantId, id],
  );
}
