import pg from 'pg';
import { expect, test } from 'vitest';
import { sectionsOf } from '../src/domain/workspace/archive/sections.js';
import { loggedTypes } from '../src/record-types.js';
import { sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

/** Tenant tables that workspace archives omit, and why. */
const notExported: Record<string, string> = {
  article_text: 'set again with the imported articles',
  assignment_turn: 'counts of the members of rules, which start again',
  auto_reply: 'times of answers, for a day',
  audit_chain: 'the history of the workspace',
  audit_entry: 'the history of the workspace',
  audit_head: 'the history of the workspace',
  change_log: 'the history of the workspace',
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
  key_destruction: 'keys of the old workspace',
  deal_merge: 'what an undo restores',
  campaign_job: 'campaigns that the old workspace sends',
  campaign_member: 'recipients that the old workspace sends to',
  campaign_link: 'addresses in mails that the old workspace sent',
  campaign_visit: 'of links of the old workspace',
  mail_address: 'of mailboxes, which another workspace connects anew',
  mail_envelope: 'of messages that the old workspace sent',
  mail_job: 'messages that the old workspace works on',
  mail_key: 'signs the addresses of the old workspace',
  mail_place: 'of mailboxes, which another workspace connects anew',
  notification: 'of users, whose ids differ in another workspace',
  notification_inbox: 'of users, whose ids differ in another workspace',
  operation: 'the history of the workspace',
  operation_issue: 'of operations',
  operation_job: 'of operations',
  opt_in: 'waits for links of the old workspace',
  outbox: 'the history of the workspace',
  public_link: 'addresses of pages of the old workspace',
  quote_number: 'the first new quote continues after the highest number',
  record_number: 'the first new record continues after the highest number',
  segment_job: 'a position in the log of the old workspace',
  segment_progress: 'counted again when the imported segments are built',
  sla_ticket: 'computed from the imported histories',
  soft_bounce: 'counts of a month, which start again',
  suppression_space: 'in the manifest',
  ticket_lease: 'of users, whose ids differ in another workspace',
  ticket_merge: 'what an undo restores',
  timer: 'set again with the imported records',
  timer_job: 'set again with the imported records',
  tenant_encryption: 'an import encrypts if its workspace does',
  topic_send: 'of mail that the old workspace sent',
  user_state: 'of users, whose ids differ in another workspace',
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
  const derived = loggedTypes.types.flatMap(({ table }) => [`${table}_key`, `${table}_order_value`]);

  const names = rows.map(({ name }) => name).filter((name) => !derived.includes(name));
  expect(names).toEqual([...exported, ...Object.keys(notExported)].toSorted());
});

test('each folder of an archive has a name of its own', () => {
  const { before, after } = sectionsOf(loggedTypes);
  const names = [...before, ...after].map(({ name }) => name);

  expect(new Set(names).size).toBe(names.length);
});
