import { catalogFaults, createOrm, readForTenant, schemaDifference, tenantSession } from '@rapport/persistence';
import { callContext } from '@rapport/platform';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownersOf } from '../src/engine/records/claim-unique-values.js';
import { entities } from '../src/database.js';
import { keysEntities } from '../src/engine/sealing/keys-database.js';
import { loggedTypes } from '../src/record-types.js';
import { customers as type } from '../src/domain/customers/customers.js';
import { policiesForAll, tablesOfAllTenants } from './catalog-exemptions.js';
import { newKeys } from './databases.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

// Only statements and database functions write them. Tables of record types are printed, and record-migration.test.ts compares them.
const printed = loggedTypes.types.flatMap(({ record }) =>
  record && record !== type ? [new RegExp(`^${record.table}(_key|_order_value)?$`)] : [],
);
const ofWorkers = [
  /^timer(_job)?$/,
  /^clock_shift$/,
  /^forecast_/,
  /^notification/,
  /^mail_/,
  /^campaign_(job|link|member|visit)$/,
  /^auto_reply$/,
  /^sla_(definition|event|ticket)$/,
  /^(ticket_lease|ticket_merge|deal_merge)$/,
  /^article_text$/,
  /^segment_(job|progress)$/,
  /^(opt_in|soft_bounce|topic_send)$/,
  /^user_state$/,
];
const tablesOfSql = [...ofWorkers, /^outbox$/, /^change_/, /^audit_/, ...printed];

/** Creates 20,000 customers of a tenant, each with a key, without the change log. */
async function makeMany(tenantId: string): Promise<void> {
  const superuser = await customers.connectAsSuperuser();
  await superuser.query('set session_replication_role = replica');
  await superuser.query(
    `with made as (
       insert into customer (tenant_id, id, kind, display_name, emails, phones, addresses, external_ids, domains, tags,
         search_text, sort_name, version, create_time, update_time, created_by, updated_by)
       select $1, gen_random_uuid(), 'PERSON', 'x', '[]', '[]', '[]', '[]', '{}', '{}',
         md5(n::text), md5(n::text), 1, now(), now(), 'test', 'test'
       from generate_series(1, 20000) n
       returning tenant_id, id)
     insert into customer_key (tenant_id, type, value, customer_id)
     select tenant_id, 'EMAIL', id || '@example.com', id from made`,
    [tenantId],
  );
  await superuser.query('analyze customer, customer_key');
  await superuser.end();
}

/** Tables that the database does not restrict for callers with a narrow scope, and why. */
const tablesWithoutScope = {
  assignment_rule: 'of the tenant',
  assignment_rule_key: 'read with the rules of the keys, or to detect that a value is taken',
  assignment_turn: 'of the tenant',
  audit_chain: 'read by a controller that refuses them',
  audit_entry: 'read by a controller that refuses them',
  audit_head: 'read by a controller that refuses them',
  call_key: 'read with the calls of the keys, or to detect that a value is taken',
  call_order_value: 'read with the calls of the values',
  calendar: 'of the tenant',
  calendar_key: 'read with the calendars of the keys, or to detect that a value is taken',
  change_consumer: 'only the platform reads it',
  change_log: 'read through changesInScope, or for a record known to be visible',
  change_log_state: 'of no record',
  change_log_fork: 'of no record',
  clock_shift: 'of no record, and empty but in tests',
  custom_field: 'definitions are of the tenant',
  custom_object: 'definitions are of the tenant',
  custom_object_key: 'read with the definitions, or to detect that a value is taken',
  customer_key: 'read with the customers of the keys, or to detect that a value is taken',
  customer_order_value: 'read with the customers of the values',
  deal_key: 'read with the deals of the keys, or to detect that a value is taken',
  deal_order_value: 'read with the deals of the values',
  email_key: 'read with the e-mails of the keys, or to detect that a value is taken',
  email_order_value: 'read with the e-mails of the values',
  public_link: 'found by the token of a link, or removed with the record that the caller sees',
  quote_key: 'read with the quotes of the keys, or to detect that a value is taken',
  quote_number: 'a counter of the tenant',
  quote_order_value: 'read with the quotes of the values',
  exchange_rate: 'of the tenant',
  record_number: 'counters of the tenant',
  ticket_key: 'read with the tickets of the keys, or to detect that a value is taken',
  ticket_order_value: 'read with the tickets of the values',
  ticket_status: 'of the tenant',
  ticket_status_key: 'read with the statuses, or to detect that a value is taken',
  file_content: 'read with the files that have the bytes',
  file_piece: 'read with the files and uploads that have the bytes',
  file_usage: 'a count of the tenant',
  forecast_snapshot: 'of the tenant',
  forecast_snapshot_quota: 'read by statements with the owners that the caller sees',
  forecast_snapshot_row: 'read by statements with the owners that the caller sees',
  idempotency_key: 'read with the principal',
  import_mapping: 'of no record, and read by a controller that refuses them',
  key_destruction: 'only workers read it',
  lead_key: 'read with the leads of the keys, or to detect that a value is taken',
  lead_order_value: 'read with the leads of the values',
  meeting_key: 'read with the meetings of the keys, or to detect that a value is taken',
  meeting_order_value: 'read with the meetings of the values',
  migration: 'of no record',
  note_key: 'read with the notes of the keys, or to detect that a value is taken',
  note_order_value: 'read with the notes of the values',
  object_record_key: 'read with the records of the keys, or to detect that a value is taken',
  object_record_order_value: 'read with the records of the values',
  notification: 'of its recipient, and without data of records',
  notification_inbox: 'of no record: each is of its recipient',
  campaign: 'of the tenant',
  campaign_job: 'only workers read it',
  campaign_key: 'read with the campaigns of the keys, or to detect that a value is taken',
  campaign_member: 'read with the recipients of a campaign',
  campaign_link: 'of the tenant',
  campaign_visit: 'only workers read it',
  mail_address: 'of the tenant',
  mail_envelope: 'read with the messages of the envelopes',
  mail_job: 'only workers read it',
  mail_key: 'of the tenant',
  mail_place: 'only workers read it',
  auto_reply: 'only workers read it',
  operation_job: 'only workers read it',
  timer: 'read with the records of the timers',
  timer_job: 'only workers read it',
  outbox: 'no role can read it',
  pipeline: 'of the tenant',
  pipeline_key: 'read with the pipelines of the keys, or to detect that a value is taken',
  deal_merge: 'read with the deals of the merges',
  forecast_submission_key: 'read with the submissions of the keys, or to detect that a value is taken',
  quota_key: 'read with the quotas of the keys, or to detect that a value is taken',
  price: 'of the tenant',
  price_book: 'of the tenant',
  price_book_key: 'read with the price books of the keys, or to detect that a value is taken',
  product: 'of the tenant',
  product_key: 'read with the products of the keys, or to detect that a value is taken',
  product_order_value: 'read with the products of the values',
  queue: 'of the tenant',
  queue_key: 'read with the queues of the keys, or to detect that a value is taken',
  macro: 'of the tenant',
  macro_key: 'read with the macros of the keys, or to detect that a value is taken',
  ticket_lease: 'read with the tickets of the leases',
  ticket_merge: 'read with the tickets of the merges',
  saved_view: 'of no record: each is of the principal that owns it',
  suppression_space: 'of no record',
  opt_in: 'of links, whose token is read first',
  soft_bounce: 'of addresses, and without them',
  topic: 'of the tenant',
  topic_key: 'read with the topics of the keys, or to detect that a value is taken',
  topic_send: 'only workers read it',
  form: 'of the tenant',
  form_key: 'read with the forms of the keys, or to detect that a value is taken',
  survey: 'of the tenant',
  survey_key: 'read with the surveys of the keys, or to detect that a value is taken',
  segment: 'of the tenant',
  segment_key: 'read with the segments of the keys, or to detect that a value is taken',
  segment_job: 'of no record: positions in the log',
  segment_progress: 'read with the segments',
  article: 'of the tenant',
  article_key: 'read with the articles of the keys, or to detect that a value is taken',
  article_section: 'of the tenant',
  article_section_key: 'read with the sections of the keys, or to detect that a value is taken',
  article_text: 'of the tenant',
  template: 'of the tenant',
  template_key: 'read with the templates of the keys, or to detect that a value is taken',
  sla_definition: 'of the tenant',
  sla_event: 'read with the tickets of the events',
  sla_policy: 'of the tenant',
  sla_policy_key: 'read with the policies of the keys, or to detect that a value is taken',
  sla_ticket: 'read with the tickets',
  task_key: 'read with the tasks of the keys, or to detect that a value is taken',
  task_order_value: 'read with the tasks of the values',
  tenant_encryption: 'of no record',
  user_state: 'of the tenant',
  workspace_settings: 'of the tenant',
};

const { tenantId: largeTenant } = newCaller();
let customers: RunningCustomers;

// A service of its own: it inspects the whole schema, and changes the time zone of the database.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  await makeMany(largeTenant);
});
afterAll(() => customers.stop());

test('every table isolates tenants', async () => {
  expect(await catalogFaults(customers.urls.appUrl, tablesOfAllTenants, policiesForAll)).toEqual([]);
});

test('every table isolates the records of owners, or is listed as exempt', async () => {
  const client = new pg.Client(customers.urls.appUrl);
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relkind in ('r', 'p') and not relispartition
       and relnamespace = 'public'::regnamespace and not exists (
         select from pg_policy where polrelid = pg_class.oid and not polpermissive and polname = 'record_scope'
           and polcmd = '*' and polroles = '{0}')
     order by relname`,
  );
  await client.end();

  expect(rows.map(({ name }) => name)).toEqual(Object.keys(tablesWithoutScope).sort());
});

test('every record type whose changes have a scope has it in its table too', () => {
  const scoped = loggedTypes.types.filter(({ scope }) => scope.by !== 'TENANT').map(({ table }) => table);
  expect(scoped.filter((table) => Object.hasOwn(tablesWithoutScope, table))).toEqual([]);
});

test('migrations and entities agree', async () => {
  expect(await schemaDifference({ databaseUrl: customers.urls.ownerUrl, entities }, tablesOfSql)).toBe('');
});

test('the database of keys isolates tenants, as its entities declare', async () => {
  const { databaseUrl, ownerUrl } = await newKeys();
  expect(await catalogFaults(databaseUrl)).toEqual([]);
  expect(await schemaDifference({ databaseUrl: ownerUrl, entities: keysEntities })).toBe('');
});

test('hand-written SQL sees only the rows of its tenant, inside and outside of a transaction', async () => {
  const [ours, theirs] = [newCaller(), newCaller()];
  await customers.create(ours, person({ emails: [{ address: 'ada@example.com' }] }));
  await customers.create(theirs, person({ emails: [{ address: 'ada@example.com' }] }));
  const orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
  const em = orm.em.fork({ session: tenantSession(ours.tenantId) });
  const tenantsSeen = `select tenant_id from customer union all select tenant_id from customer_key`;

  const outside = await em.execute(tenantsSeen);
  const inside = await em.transactional((transaction) => transaction.execute(tenantsSeen));
  const withoutTenant = await orm.em.fork().execute(tenantsSeen);
  await orm.close();

  expect(outside).toEqual([{ tenant_id: ours.tenantId }, { tenant_id: ours.tenantId }]);
  expect(inside).toEqual(outside);
  expect(withoutTenant).toEqual([]);
});

test('a rare word is found through the trigram index, under row-level security', async () => {
  const orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
  const em = orm.em.fork({ session: tenantSession(largeTenant) });
  const plan = await em.transactional(async (transaction) => {
    // Without this, a small test table would be scanned.
    await transaction.execute('set local enable_seqscan = off');
    return transaction.execute<{ 'QUERY PLAN': string }[]>(
      `explain select * from customer where tenant_id = ? and delete_time is null and search_text like '%lovelace%'
       order by create_time desc, id desc limit 21`,
      [largeTenant],
    );
  });
  await orm.close();

  expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toMatch(/Index Cond: .*search_text ~~ '%lovelace%'/);
});

test('the owners of keys are looked up one by one, even in a small table', async () => {
  const orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
  const caller = { tenantId: largeTenant, principalId: 'test', permissions: [] };
  const { sql } = callContext.run({ requestId: 'test', caller }, () => ownersOf(type, []));
  const plan = await orm.em.fork().execute<{ 'QUERY PLAN': string }[]>(`explain (generic_plan) ${sql}`);
  await orm.close();

  expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toMatch(/Index Scan using customer_key_pkey/);
});

test('times do not depend on the time zone of the database', async () => {
  const caller = newCaller();
  const { id, createTime } = await customers.create(caller, person());
  const orm = createOrm({ databaseUrl: customers.urls.ownerUrl, entities });
  const role = new URL(customers.urls.appUrl).username;
  await orm.em
    .fork()
    .execute(`alter database "${new URL(customers.urls.ownerUrl).pathname.slice(1)}" set timezone = 'Asia/Kolkata'`);
  await orm.close();
  const fresh = createOrm({ databaseUrl: customers.urls.appUrl, entities });
  const em = fresh.em.fork({ session: tenantSession(caller.tenantId) });

  const [row] = await readForTenant<{ time: string; zone: string; who: string }>(em, {
    sql: `select create_time as time, current_setting('timezone') as zone, current_user as who from customer where id = $1`,
    values: [id],
  });

  expect(row).toEqual({ time: expect.stringMatching(/\+00$/) as string, zone: 'UTC', who: role });
  expect(new Date(row?.time ?? '').toISOString()).toBe(createTime);
  await fresh.close();
});
