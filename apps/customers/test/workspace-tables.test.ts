import pg from 'pg';
import { expect, test } from 'vitest';
import { sectionsOf } from '../src/domain/workspace/archive/sections.js';
import { loggedTypes } from '../src/record-types.js';
import { sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

/** Tenant tables that workspace archives omit, and why. */
const notExported: Record<string, string> = {
  audit_chain: 'the history of the workspace',
  audit_entry: 'the history of the workspace',
  audit_head: 'the history of the workspace',
  call_key: 'derived from the calls',
  call_order_value: 'derived from the calls',
  change_log: 'the history of the workspace',
  custom_object_key: 'derived from the custom objects',
  customer_key: 'derived from the customers',
  customer_order_value: 'derived from the customers',
  deal_key: 'derived from the deals',
  deal_order_value: 'derived from the deals',
  email_key: 'derived from the e-mails',
  email_order_value: 'derived from the e-mails',
  file_content: 'the files of the folder of contents',
  file_piece: 'the files of the folder of contents',
  file_upload: 'not complete',
  file_usage: 'a count',
  idempotency_key: 'responses of calls',
  import_change: 'of operations',
  import_draft: 'of operations',
  import_draft_key: 'of operations',
  import_met: 'of operations',
  import_piece: 'of operations',
  key_destruction: 'there are none without encryption',
  meeting_key: 'derived from the meetings',
  meeting_order_value: 'derived from the meetings',
  note_key: 'derived from the notes',
  note_order_value: 'derived from the notes',
  object_record_key: 'derived from the object records',
  object_record_order_value: 'derived from the object records',
  forecast_snapshot: 'the history of the workspace',
  forecast_snapshot_row: 'the history of the workspace',
  forecast_snapshot_quota: 'the history of the workspace',
  forecast_schedule: 'pending work',
  operation: 'the history of the workspace',
  operation_issue: 'of operations',
  operation_job: 'of operations',
  outbox: 'the history of the workspace',
  pipeline_key: 'derived from the pipelines',
  quota_key: 'derived from the quotas',
  suppression_space: 'in the manifest',
  task_key: 'derived from the tasks',
  task_order_value: 'derived from the tasks',
  tenant_encryption: 'encrypted workspaces are not exported',
  workspace_piece: 'of operations',
};

test('every tenant table is in workspace archives, or listed here with a reason', async () => {
  const owner = new pg.Client(customers.urls.ownerUrl);
  await owner.connect();
  const { rows } = await owner.query<{ name: string }>(
    `select relname as name from pg_class join pg_attribute on attrelid = pg_class.oid and attname = 'tenant_id'
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`,
  );
  await owner.end();
  const { before, after } = sectionsOf(loggedTypes);
  const exported = [...before, ...after].map(({ table }) => table);

  expect(rows.map(({ name }) => name)).toEqual([...exported, ...Object.keys(notExported)].toSorted());
});

test('each folder of an archive has a name of its own', () => {
  const { before, after } = sectionsOf(loggedTypes);
  const names = [...before, ...after].map(({ name }) => name);

  expect(new Set(names).size).toBe(names.length);
});
