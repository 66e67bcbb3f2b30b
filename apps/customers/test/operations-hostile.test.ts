import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ImportTenant } from './import-tenant.js';
import { OperationTenant } from './operation-tenant.js';
import { RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let tenant: OperationTenant;

// A service of its own: it breaks a table of all tenants for a while.
beforeAll(async () => {
  customers = await RunningCustomers.start();
});
afterAll(() => customers.stop());
beforeEach(async () => {
  tenant = await OperationTenant.create(customers);
});
afterEach(() => tenant.close());

const ndjson = 'application/x-ndjson';
const halves = JSON.stringify({ name: 'Ada', email: '\ud800@b.example' });

describe.each([{ dryRun: false }, { dryRun: true }])('an import with $dryRun as dryRun', ({ dryRun }) => {
  test.each([
    ['a cell with a NUL', 'text/csv', 'name,email\nAda,a\0b@x.example\n'],
    ['a value with half a surrogate pair', ndjson, halves],
    ['a custom value whose key has a NUL', ndjson, '{"name":"Ada","custom_fields":{"a\\u0000":"b"}}'],
    ['a tag with a NUL', 'text/csv', 'name,email,tag\nAda,a@x.example,b\0c\n'],
  ])('warns of %s, and continues', async (_, contentType, file) => {
    const operation = await tenant.run(file, { contentType, dryRun });

    expect(operation).toMatchObject({ state: State.SUCCEEDED, counts: { rows: 1, issues: 1 } });
    const { issues } = await customers.call('listOperationIssues', { id: operation.id }, tenant.caller);
    for (const { message, field } of issues) expect(message + field).not.toMatch(/\0|\p{Cs}/u);
  });

  test.each([
    ['header', 'text/csv', 'name,e\0mail\nAda,a@x.example\n'],
    ['key', ndjson, '{"name":"Ada","a\\u0000":1}'],
  ])('refuses a file with a %s that can’t be stored', async (_, contentType, file) => {
    expect(await tenant.run(file, { contentType, dryRun })).toMatchObject({
      state: State.FAILED,
      error: { code: 'INVALID_ARGUMENT', reason: 'COLUMN_NAME_INVALID' },
    });
  });
});

test('the unary import treats values that can’t be stored equally', async () => {
  const other = await ImportTenant.create(customers);

  for (const [contentType, data] of [
    ['text/csv', 'name,email\nAda,a\0b@x.example\n'],
    [ndjson, halves],
  ] as const) {
    expect(await other.importFile({ contentType, data })).toMatchObject({ rows: 1, issues: [expect.anything()] });
  }
  for (const [contentType, data] of [
    ['text/csv', 'name,e\0mail\nAda,a@x.example\n'],
    [ndjson, '{"name":"Ada","a\\u0000":1}'],
  ] as const) {
    await expect(other.importFile({ contentType, data })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'file', reason: 'COLUMN_NAME_INVALID' }],
    });
  }
  await other.close();
});

const setAttempts = (id: string, attempts: number) =>
  tenant.database.query('update operation_job set attempts = $1 where operation_id = $2', [attempts, id]);

describe('an import whose workers crash', () => {
  test('fails before a sixth one starts, and can be resumed', async () => {
    const { id } = await tenant.createImport();
    await setAttempts(id, 5);
    await tenant.upload(id, ['email\na@x.example\n']);

    const failed = await tenant.untilEnded(id);
    await customers.call('resumeOperation', { id }, tenant.caller);

    expect(failed).toMatchObject({ state: State.FAILED, error: { reason: 'IMPORT_CRASHED' }, counts: { rows: 0 } });
    expect(await tenant.untilEnded(id)).toMatchObject({ state: State.SUCCEEDED, counts: { created: 1 } });
  });

  test('that can not even be marked as failed is retried after an hour', async () => {
    const { id } = await tenant.createImport();
    await setAttempts(id, 5);
    await tenant.database.query(
      `create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
       create trigger refuse before update on operation for each row when (new.state = 'FAILED') execute function refuse()`,
    );

    await tenant.upload(id, ['email\na@x.example\n']);
    const late = `select from operation_job where operation_id = $1 and claim_id is null
      and due_time > clock_timestamp() + interval '50 minutes'`;
    while ((await tenant.database.query(late, [id])).rowCount === 0);
    await tenant.database.query('drop function refuse cascade');

    expect(await tenant.get(id)).toMatchObject({ state: State.RUNNING, counts: { rows: 0 } });
  });

  test('counts attempts from each checkpoint', async () => {
    const other = await ImportTenant.create(customers);
    const mine = await OperationTenant.create(customers, other.caller);
    // In any case: an open transaction would block every encryption in later tests.
    onTestFinished(async () => {
      await Promise.all([other.close(), mine.close()]);
    });
    const commit = await other.beginEve('p1500@x.example');
    const { id } = await mine.createImport();
    await setAttempts(id, 4);
    const rows = Array.from({ length: 2_000 }, (_, index) => `p${index}@x.example\n`);
    await mine.upload(id, [`email\n${rows.join('')}`]);
    // For any chunk size, which depends on concurrent calls.
    await mine.until(id, ({ counts, state }) => counts!.rows > 0 || state === State.FAILED);

    const job = await mine.database.query('select attempts from operation_job where operation_id = $1', [id]);
    await commit();

    expect(job.rows).toEqual([{ attempts: 0 }]);
    expect(await mine.untilEnded(id)).toMatchObject({ state: State.SUCCEEDED });
  });
});

test('rows are compared with at most 5,000 namesakes, the oldest of each name', async () => {
  await tenant.database.query(
    `insert into customer (tenant_id, id, kind, display_name, emails, phones, addresses, external_ids, domains, tags,
       search_text, sort_name, version, create_time, update_time, created_by, updated_by)
     select $1, lpad((place * 100 + number)::text, 32, '0')::uuid, 'PERSON', 'n' || number, '[]', '[]',
       jsonb_build_array(jsonb_build_object('city', 'c' || place)), '[]', '{}', '{}', 'n' || number, 'n' || number,
       1, now(), now(), 'x', 'x'
     from generate_series(1, 51) number, generate_series(1, 100) place`,
    [tenant.caller.tenantId],
  );
  const rows = Array.from({ length: 51 }, (_, index) => `n${index + 1},c98\nn${index + 1},c100\n`);

  const { counts } = await tenant.run(`name,city\n${rows.join('')}`, { dryRun: true });

  expect(counts).toMatchObject({ rows: 102, unchanged: 51, created: 51 });
});
