import { createOrm, tenantSession } from '@rapport/persistence';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { changesOf } from './change-feeds.js';
import { newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

/** Tenant tables whose changes are not logged, and why. */
const unlogged: Record<string, string> = {
  custom_object_key: 'its data is in the custom object',
  object_record_key: 'its data is in the record',
  object_record_order_value: 'its data is in the record',
  customer_key: 'its data is in the customer',
  customer_order_value: 'its data is in the customer',
  deal_key: 'its data is in the deal',
  deal_order_value: 'its data is in the deal',
  assignment_rule_key: 'its data is in the rule',
  assignment_turn: 'changes with each assignment, which is logged',
  calendar_key: 'its data is in the calendar',
  lead_key: 'its data is in the lead',
  lead_order_value: 'its data is in the lead',
  form_key: 'its data is in the form',
  survey_key: 'its data is in the survey',
  topic_key: 'its data is in the topic',
  segment_key: 'its data is in the segment',
  segment_job: 'of the worker that follows the log',
  segment_progress: 'its data follows from the members',
  article_key: 'its data is in the article',
  article_section_key: 'its data is in the section',
  article_text: 'its data is in the article',
  template_key: 'its data is in the template',
  task_key: 'its data is in the task',
  task_order_value: 'its data is in the task',
  note_key: 'its data is in the note',
  note_order_value: 'its data is in the note',
  call_key: 'its data is in the call',
  call_order_value: 'its data is in the call',
  meeting_key: 'its data is in the meeting',
  meeting_order_value: 'its data is in the meeting',
  email_key: 'its data is in the e-mail',
  email_order_value: 'its data is in the e-mail',
  deal_merge: 'a copy of what is logged, for the undo',
  pipeline_key: 'its data is in the pipeline',
  quota_key: 'its data is in the quota',
  forecast_submission_key: 'its data is in the submission',
  ticket_lease: 'ends within a day, and changes no ticket',
  ticket_merge: 'a copy of what is logged, for the undo',
  queue_key: 'its data is in the queue',
  macro_key: 'its data is in the macro',
  price_book_key: 'its data is in the price book',
  product_key: 'its data is in the product',
  product_order_value: 'its data is in the product',
  idempotency_key: 'responses of calls, which are not records',
  file_content: 'its data is in the files',
  file_piece: 'bytes of files',
  file_upload: 'a file that is not complete',
  file_usage: 'the storage used by files',
  operation: 'has a stream of its own, and changes with each chunk of a file',
  operation_issue: 'a report of an operation',
  import_piece: 'a file that is being imported',
  import_met: 'temporary state of an import',
  import_change: 'undo data of imports',
  import_draft: 'results of a dry run',
  import_draft_key: 'results of a dry run',
  workspace_piece: 'a copy of what is logged elsewhere',
  suppression_space: 'an input of hashes',
  import_mapping: 'a saved setting, not a record',
  public_link: 'hashes of tokens; the log has the sent records',
  quote_number: 'a counter; the log has the numbers of quotes',
  campaign_key: 'its data is in the campaign',
  campaign_member: 'the work on the recipients, which the log has',
  mail_address: 'settings of mailboxes, which sync has',
  opt_in: 'waits for a consent, which is logged',
  topic_send: 'counts mail, which is logged',
  soft_bounce: 'counts bounces, whose suppression is logged',
  mail_envelope: 'its data is in the message, but blind copies, which only their sender sees',
  mail_key: 'a key',
  campaign_link: 'what mails of the campaign lead to',
  campaign_visit: 'visits that are not judged yet; the log has the events',
  mail_place: 'places of messages in mailboxes; the log has the messages',
  auto_reply: 'times of answers; the log has the sent messages',
  sla_definition: 'versions of policies and calendars; the log has their changes',
  sla_event: 'its data is in the ticket and its entries',
  sla_policy_key: 'its data is in the policy',
  sla_ticket: 'its data is in the timers',
  quote_key: 'its data is in the quote',
  quote_order_value: 'its data is in the quote',
  saved_view: 'a saved setting, and private ones are of their owners',
  erasure: 'a receipt; the log has the erasure of its customers',
  tenant_encryption: 'a setting of the tenant; the log has its operation',
  key_destruction: 'pending work of an erasure',
  forecast_snapshot: 'sums of what is logged',
  forecast_snapshot_row: 'sums of what is logged',
  forecast_snapshot_quota: 'copies of what is logged',
  change_log: 'the log itself',
  outbox: 'the log itself',
  audit_chain: 'derived from the log',
  audit_entry: 'derived from the log',
  audit_head: 'derived from the log',
  notification: 'about what is logged, and of its recipient',
  notification_inbox: 'positions of notifications, and a saved setting',
  record_number: 'counters; the log has the numbers of records',
  ticket_key: 'its data is in the ticket',
  ticket_order_value: 'its data is in the ticket',
  ticket_status_key: 'its data is in the status',
  timer: 'what fires is logged as a change of the record',
  user_state: 'of users, whom auth logs',
};

/** Columns of logged tables that are not logged, and why. */
const unloggedColumns: Record<string, readonly string[]> = {
  // Derived from the other columns.
  customer: [
    'search_text',
    'sort_name',
    'family_sort_name',
    'company_sort_name',
    'terms',
    'order_values',
    'index_version',
    // Metadata about the storage of the other columns.
    'sealed',
  ],
  customer_association: [],
  record_association: [],
  // Part of the key.
  custom_field: ['record_type'],
  deal: ['sort_title', 'sort_rank', 'amount_order', 'search_text', 'terms', 'order_values', 'index_version', 'sealed'],
  quote: [
    'sort_title',
    'sort_number',
    'total_order',
    'search_text',
    'terms',
    'order_values',
    'index_version',
    'sealed',
  ],
  custom_object: ['sort_display_name', 'search_text', 'index_version'],
  object_record: ['sort_name', 'search_text', 'terms', 'order_values', 'index_version', 'sealed'],
  assignment_rule: ['sort_name', 'search_text', 'terms', 'index_version'],
  assignment: ['terms', 'index_version'],
  calendar: ['sort_name', 'search_text', 'index_version'],
  lead: [
    ...['sort_company', 'expected_amount_order', 'search_text', 'terms', 'order_values', 'index_version', 'sealed'],
  ],
  pipeline: ['sort_name', 'search_text', 'index_version'],
  quota: ['sort_name', 'amount_order', 'search_text', 'terms', 'index_version'],
  task: ['sort_subject', 'search_text', 'terms', 'order_values', 'index_version', 'sealed'],
  note: ['sort_title', 'search_text', 'terms', 'order_values', 'index_version', 'sealed'],
  call: ['sort_subject', 'search_text', 'terms', 'order_values', 'index_version', 'sealed'],
  meeting: ['sort_subject', 'search_text', 'terms', 'order_values', 'index_version', 'sealed'],
  email: ['sort_subject', 'search_text', 'terms', 'order_values', 'index_version', 'sealed'],
  forecast_submission: ['sort_note', 'amount_order', 'search_text', 'terms', 'index_version'],
  exchange_rate: ['terms', 'index_version'],
  price: ['index_version'],
  price_book: ['sort_name', 'search_text', 'terms', 'index_version'],
  queue: ['sort_name', 'search_text', 'terms', 'index_version'],
  sla_policy: ['sort_name', 'search_text', 'terms', 'index_version'],
  sla_timer: ['terms', 'index_version'],
  macro: ['sort_name', 'search_text', 'terms', 'index_version'],
  product: [...['sort_name', 'price_order', 'cost_order', 'search_text', 'terms', 'order_values', 'index_version']],
  stage_entry: ['amount_order', 'terms', 'index_version'],
  ticket: ['sort_subject', 'sort_company_name', 'search_text', 'terms', 'order_values', 'index_version', 'sealed'],
  ticket_entry: ['sort_subject', 'search_text', 'terms', 'index_version', 'sealed'],
  ticket_status: ['sort_name', 'search_text', 'terms', 'index_version'],
  article: ['sort_title', 'search_text', 'terms', 'index_version'],
  article_section: ['sort_name', 'search_text', 'terms', 'index_version'],
  message: ['sort_subject', 'search_text', 'terms', 'index_version', 'sealed'],
  topic: ['sort_name', 'search_text', 'terms', 'index_version'],
  campaign: ['sort_name', 'search_text', 'terms', 'index_version'],
  campaign_recipient: ['terms', 'index_version', 'sealed'],
  form: ['sort_name', 'search_text', 'terms', 'index_version'],
  form_submission: ['sort_form_name', 'search_text', 'terms', 'index_version', 'sealed'],
  survey: ['sort_name', 'search_text', 'terms', 'index_version'],
  segment: ['sort_name', 'search_text', 'terms', 'index_version'],
  segment_member: ['index_version'],
  message_event: ['terms', 'index_version'],
  touchpoint: ['terms', 'index_version'],
  survey_response: ['sort_question', 'search_text', 'terms', 'index_version', 'sealed'],
  template: ['sort_name', 'search_text', 'terms', 'index_version'],
  consent: [],
  // Part of the record's name, and of the hash of the bytes.
  file: ['content_id', 'record_table'],
  // Not useful to readers, and stored nowhere else.
  suppression: ['address_hash'],
  workspace_settings: [],
  // As large as two customers, and not visible to callers.
  customer_merge: ['undo'],
};

let owner: pg.Client;

beforeAll(async () => {
  owner = new pg.Client(customers.urls.ownerUrl);
  await owner.connect();
});
afterAll(() => owner.end());

test('every tenant table is logged, or listed here with a reason', async () => {
  const { rows } = await owner.query<{ name: string; triggers: string[] }>(
    `select c.relname as name, array(
       select tgname::text from pg_trigger where tgrelid = c.oid and tgname like 'log\\_%' order by 1) as triggers
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname not in ('operation_job', 'timer_job', 'mail_job', 'campaign_job')
     order by 1`,
  );

  const logged = rows.filter(({ triggers }) => triggers.length > 0);
  expect(rows.filter(({ triggers }) => triggers.length === 0).map(({ name }) => name)).toEqual(
    Object.keys(unlogged).toSorted(),
  );
  expect(logged.map(({ name }) => name)).toEqual(Object.keys(unloggedColumns).toSorted());
  for (const { triggers } of logged) {
    expect(triggers).toEqual(['log_delete', 'log_insert', 'log_rename', 'log_truncate', 'log_update']);
  }
});

test.each(Object.keys(unloggedColumns))('every column of %s is logged, or listed here', async (table) => {
  const { rows } = await owner.query<{ column: string; source: string }>(
    `select attname as column, prosrc as source
     from pg_attribute, pg_proc
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attname <> 'tenant_id' and proname = $2`,
    [table, `log_${table}_insert`],
  );

  const missing = rows.filter(({ column, source }) => !new RegExp(`\\bn\\.${column}\\b`).test(source));
  expect(missing.map(({ column }) => column).toSorted()).toEqual([...(unloggedColumns[table] ?? [])].toSorted());
});

describe('the log', () => {
  test('shows a tenant’s session only the rows of its tenant', async () => {
    const [ours, theirs] = [newCaller(), newCaller()];
    for (const caller of [ours, theirs]) {
      await customers.create(caller, person());
      await changesOf(customers, caller, 1);
    }
    const orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
    const seen = 'select distinct tenant_id from change_log';

    const asTenant = await orm.em.fork({ session: tenantSession(ours.tenantId) }).execute(seen);
    const asNobody = await orm.em.fork().execute(seen);
    await orm.close();

    expect(asTenant).toEqual([{ tenant_id: ours.tenantId }]);
    expect(asNobody).toEqual([]);
  });

  test.each([
    'select from outbox',
    'delete from outbox',
    `insert into change_log (tenant_id) values (gen_random_uuid())`,
    'update change_log set actor = actor',
    'delete from change_log',
    'select from change_log_0',
    `select setval('change_log_position', 1)`,
    'update change_log_state set epoch = epoch',
    'select renew_change_log_epoch()',
    'select fork_change_log(1)',
    'update change_log_fork set position = 1',
    'select begin_change_log_partition(7)',
    // A trigger of its own could write anything into the outbox.
    `create temp table forged (like customer);
     create trigger forge after delete on forged referencing old table as old_row
       for each statement execute function log_customer_delete()`,
    `create temp table forged (like customer);
     create trigger forge after truncate on forged for each statement execute function log_gap('customer')`,
  ])('is not accessible to the service with %s', async (sql) => {
    const app = new pg.Client(customers.urls.appUrl);
    await app.connect();
    await expect(app.query(sql)).rejects.toMatchObject({ code: '42501' });
    await app.end();
  });

  test('lets the service fire triggers, but not call their functions', async () => {
    const { rows } = await owner.query<{ name: string; isCallable: boolean }>(
      `select proname as name, has_function_privilege($1, oid, 'execute') as "isCallable" from pg_proc
       where pronamespace = 'public'::regnamespace and prorettype = 'trigger'::regtype`,
      [new URL(customers.urls.appUrl).username],
    );

    expect(rows.map(({ name }) => name)).toContain('log_customer_merge_update');
    expect(rows.filter(({ isCallable }) => isCallable)).toEqual([]);
  });

  test.each([
    'select * from changes_after(0, 10, true)',
    `select * from sequence_changes(null, null, 0, 10)`,
    `select extend_change_log('1 day')`,
    `select drop_old_changes('30 days', '7 days')`,
    `select extend_change_log('1 day', 1000000000)`,
    `select drop_old_changes('30 days', '7 days', 1000000000)`,
    'select change_log_bytes()',
  ])('does not let a tenant’s session call %s', async (sql) => {
    const app = new pg.Client(customers.urls.appUrl);
    await app.connect();
    await expect(app.query(sql)).resolves.toBeDefined();
    await app.query(`set app.tenant_id = '${newCaller().tenantId}'`);
    await expect(app.query(sql)).rejects.toMatchObject({ code: '42501' });
    await app.end();
  });

  test.each([
    `select drop_old_changes('23 hours', '7 days')`,
    `select drop_old_changes('-1 day', '7 days')`,
    `select drop_old_changes('30 days', '0 days')`,
    `select drop_old_changes(null, '7 days')`,
    `select drop_old_changes('23 hours', '7 days', 1000000000)`,
    `select extend_change_log('0 days')`,
    `select extend_change_log(null)`,
  ])('is retained for at least a day: %s', async (sql) => {
    await expect(owner.query(sql)).rejects.toMatchObject({ code: '22023' });
  });
});
