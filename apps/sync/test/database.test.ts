import { catalogFaults, schemaDifference } from '@rapport/persistence';
import { queryDatabase, type ProvisionedDatabase } from '@rapport/testing';
import { beforeAll, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { sealedColumns } from '../src/storage/sealed-values.js';
import { createSyncDatabase } from './sync-databases.ts';

// Workers read them for all tenants; they contain only ids, times and a cursor.
const tablesOfAllTenants = [
  'webhook_tenant',
  'webhook_job',
  'webhook_hold',
  'deferred_change',
  'feed_cursor',
  'mapping_schedule',
  'connection_tenant',
  'hook_address',
  'flow_tenant',
  'flow_run_tenant',
  'flow_job',
  'flow_backfill_job',
  'flow_clock',
  'flow_clock_tenant',
  'flow_notice',
  'flow_hook',
  'mailbox_turn',
];

// Tables with many rows are read and written by SQL only.
const tablesOfSql = [
  ...[/^webhook_(tenant|event|delivery|attempt|job|hold)$/, /^feed_cursor$/, /^deferred_/, /^audit_/],
  ...[/^(mapping_(progress|schedule)|connection_tenant)$/, /^(deleted_mapping|kept_link)$/, /^sync_/, /^hook/],
  ...[/^flow_(version|secret|tenant)$/],
  ...[/^flow_(run|step_run|wait|event|signal|run_tenant|job|enrollment|backfill|backfill_end|backfill_job)$/],
  ...[/^flow_(change|change_number|decision|decided|approval|approver|notice|hook|clock|clock_tenant)$/],
  ...[/^(mailbox_(folder|turn)|renumbered_mail)$/, /^delivery_use$/],
];

const sync = {} as { urls: ProvisionedDatabase };

beforeAll(async () => {
  sync.urls = await createSyncDatabase();
});

test('every table keeps tenants apart', async () => {
  // Those of pg-boss: a job has the ids of a run, its mapping and its tenant, and nothing else.
  const ofJobs = await queryDatabase<{ name: string }>(
    sync.urls.appUrl,
    `select 'pgboss.' || tablename as name from pg_tables where schemaname = 'pgboss'`,
  );
  const exempt = [...tablesOfAllTenants, ...ofJobs.map(({ name }) => name)];
  expect(await catalogFaults(sync.urls.appUrl, exempt)).toEqual([]);
});

test('migrations and entities agree', async () => {
  expect(await schemaDifference({ databaseUrl: sync.urls.ownerUrl, entities }, tablesOfSql)).toBe('');
});

test('the command that counts what master keys seal knows every sealed column', async () => {
  const columns = await queryDatabase<{ place: string }>(
    sync.urls.appUrl,
    `select table_name || '.' || column_name as place from information_schema.columns
     where table_schema = 'public' and data_type = 'bytea' and (column_name like '%sealed%'
       or (table_name, column_name) = ('idempotency_key', 'response'))`,
  );
  const known = sealedColumns.map((column) => column.join('.')).toSorted();
  expect(known).toEqual(columns.map(({ place }) => place).toSorted());
});
