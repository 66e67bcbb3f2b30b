import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { fromGrpcError } from '@rapport/contracts';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { v7 } from 'uuid';
import { defineField } from './custom-field-requests.js';
import { counts, csv, endOfFile, ImportTenant, none, pieces } from './import-tenant.js';
import { OperationTenant } from './operation-tenant.js';
import { person, RunningCustomers } from './running-customers.js';

const mebibyte = 1_024 * 1_024;

let customers: RunningCustomers;
let tenant: ImportTenant;

beforeAll(async () => {
  customers = await RunningCustomers.start({ bulkLimits: { importQuotaBytes: 3 * mebibyte } });
});
afterAll(() => customers.stop());
beforeEach(async () => {
  tenant = await ImportTenant.create(customers);
});
afterEach(() => tenant.close());

const header = 'name,email,phone,padding\n';

/** Rows of a file of this many bytes, most of them in an unmapped column: few rows make a large file. */
function rowsOf(bytes: number): string {
  let text = '';
  for (let row = 0; text.length < bytes; row += 1) text += `row ${row},row${row}@x.example,,${'x'.repeat(4_000)}\n`;
  return text;
}

/** The stored parts of files. */
async function storedBytes(): Promise<number> {
  const { rows } = await tenant.database.query<{ bytes: number }>(
    'select coalesce(sum(octet_length(data)), 0)::int as bytes from import_piece',
  );
  return rows[0]?.bytes ?? 0;
}

/** Sends the available part of a file, and leaves the call open. */
function beginFile(data: string) {
  const { promise: answer, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<ImportTenant['importFile']>>>();
  const call = tenant.open((error, value) => (error ? reject(error) : resolve(value!)));
  for (const message of pieces(csv(data))) call.write(message);
  return { call, answer };
}

test('rows being uploaded block no values, and no transaction is open', async () => {
  const file = beginFile(`${header}${rowsOf(1.5 * mebibyte)}`);
  await expect.poll(storedBytes).toBeGreaterThan(0);

  const { id } = await customers.create(
    tenant.caller,
    person({ emails: [{ address: 'row7@x.example', label: undefined }] }),
  );

  await tenant.waitForSessions(0, `state = 'idle in transaction'`);
  file.call.write(endOfFile);
  file.call.end();
  const { created, joined, updated, rows } = await file.answer;
  expect([created, updated, joined]).toEqual([rows - 1, 1, 0]);
  expect(await customers.get(tenant.caller, id)).toMatchObject({ displayName: 'row 7' });
});

test('a file beyond the memory buffer is imported completely and in order, and then removed', async () => {
  const data = rowsOf(2.5 * mebibyte);
  const count = data.split('\n').length - 1;
  // The last row only adds missing values to the customer of the first.
  const answer = await tenant.importFile(csv(`${header}${data}Last,row0@x.example,+49 30 1234567,\n`));

  expect(counts(answer)).toEqual({ ...none, created: count, joined: 1 });
  expect(answer.issues.map(({ line }) => line)).toEqual([count + 2]);
  expect(await storedBytes()).toBe(0);
});

test('a custom field deleted during the upload gets no values', async () => {
  await defineField(customers, tenant.caller, 'plan', Type.TEXT);
  const file = beginFile(`name,email,plan,padding\nAda,ada@x.example,gold,\n${rowsOf(1.5 * mebibyte)}`);
  await expect.poll(storedBytes).toBeGreaterThan(0);

  await customers.call('deleteCustomField', { key: 'plan' }, tenant.caller);
  file.call.write(endOfFile);
  file.call.end();

  const { columns } = await file.answer;
  expect(columns).toContainEqual(expect.objectContaining({ column: 'plan', field: undefined }));
  const { rows } = await tenant.database.query(`select from customer where custom_fields <> '{}'`);
  expect(rows).toEqual([]);
});

test('the parts of an interrupted upload are removed', async () => {
  const file = beginFile(`${header}${rowsOf(1.5 * mebibyte)}`);
  file.answer.catch(() => undefined);
  await expect.poll(storedBytes).toBeGreaterThan(0);

  file.call.cancel();

  await expect.poll(storedBytes).toBe(0);
  expect(await tenant.storedRows()).toEqual([]);
});

test('a file of a crashed process expires, and does not block operations of its tenant', async () => {
  const id = v7();
  await tenant.database.query(`insert into import_piece values ($1, $2, 0, 'x')`, [tenant.caller.tenantId, id]);
  await tenant.database.query(
    `insert into operation_job (operation_id, tenant_id, due_time) values ($1, $2, now() - interval '1 second')`,
    [id, tenant.caller.tenantId],
  );

  await expect.poll(storedBytes).toBe(0);
  const operations = await OperationTenant.create(customers, tenant.caller);
  expect((await operations.run('name\nAda\n')).counts).toMatchObject({ created: 1 });
  await operations.close();
});

test('waiting files of both import methods share the tenant’s quota', async () => {
  const operations = await OperationTenant.create(customers, tenant.caller);
  const other = await ImportTenant.create(customers);
  const first = await operations.createImport();
  const second = await operations.createImport();
  const data = rowsOf(2 * mebibyte);
  await operations.upload(first.id, [data], { complete: false });
  const refusal = { code: 'RESOURCE_EXHAUSTED', reason: 'IMPORT_QUOTA', retryAfterSeconds: 60 };

  await expect(operations.upload(second.id, [data], { complete: false })).rejects.toMatchObject(refusal);
  await expect(tenant.importFile(csv(`${header}${data}${data}`))).rejects.toMatchObject(refusal);

  expect((await other.importFile(csv(`${header}${data}`))).failed).toBe(0);
  await customers.call('cancelOperation', { id: first.id }, tenant.caller);
  await customers.call('cancelOperation', { id: second.id }, tenant.caller);
  await expect.poll(storedBytes).toBe(0);
  expect((await tenant.importFile(csv(`${header}${data}`))).failed).toBe(0);
  await Promise.all([operations.close(), other.close()]);
});

test('a sender that is too slow loses its slot to the next one', async () => {
  const rates = { least: 1_024, windowMs: 300, slowPerSecond: 1, slowAfterMs: 60_000 };
  const strict = await RunningCustomers.start({ bulkLimits: { imports: { inAll: 1, perTenant: 1, rates } } });
  const sender = await ImportTenant.create(strict);
  const { promise: answer, resolve } = Promise.withResolvers<unknown>();
  const call = sender.open((error) => resolve(error && fromGrpcError(error)));

  for (const message of pieces(csv('name\nAda\n'))) call.write(message);

  expect(await answer).toMatchObject({ code: 'ABORTED', reason: 'UPLOAD_TOO_SLOW' });
  expect((await sender.importFile(csv('name\nBob\n'))).rows).toBe(1);
  await sender.close();
  await strict.stop();
});
