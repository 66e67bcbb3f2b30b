import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { ImportColumn_Reason as Reason, ListMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { Operation_State as State, type Operation } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { PrivacyServiceService } from '@rapport/contracts/rapport/customers/v1/privacy_service';
import { Note } from '@rapport/contracts/rapport/work/v1/note';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { newKeys, type Keys } from './databases.js';
import { csvOf, encryptedImportOptions, EncryptedImports, marked } from './encrypted-imports.js';
import { personalValues, someone, valuesIn, type EncryptedTenant } from './encrypted-tenant.js';
import { people, type OperationTenant } from './operation-tenant.js';
import { OtherWrite } from './other-write.js';
import { RunningCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

let customers: RunningCustomers;
let keys: Keys;
let imports: EncryptedImports;
let tenant: OperationTenant;
let encrypted: EncryptedTenant;

// A service of its own: it has keys, and the tests read the whole database.
beforeAll(async () => {
  keys = await newKeys();
  customers = await RunningCustomers.start({ keys, ...encryptedImportOptions });
});
afterAll(() => customers.stop());
beforeEach(async () => {
  imports = await EncryptedImports.create(customers, keys);
  ({ tenant, encrypted } = imports);
});
afterEach(() => tenant.close());

async function exportOf(id: string): Promise<string> {
  const context = { context: customers.outgoing(tenant.caller), deadlineMs: 20_000 };
  const pieces: Uint8Array[] = [];
  for await (const piece of customers.streams.stream(PrivacyServiceService.exportPersonalData.path, { id }, context)) {
    pieces.push((piece as HttpBody).data);
  }
  return Buffer.concat(pieces).toString();
}

test('the map of an import, which can name a person, is in plain text in no table, and answers have it', async () => {
  const mark = 'grumvold';
  const map = [`${mark}@x.example=email`, `${mark} given=givenName`];
  const before = await tenant.run('email,first name\nold@x.example,Old\n', {
    map: [`email=email`, 'first name=givenName'],
  });
  await encrypted.encrypt();
  expect((await tenant.get(before.id)).import?.map).toEqual([]);
  const file = `${mark}@x.example,${mark} given\nnew@x.example,Ada\n`;

  const created = await tenant.createImport({ map }, 'the same');
  expect(created.import?.map).toEqual(map);
  expect(await tenant.createImport({ map }, 'the same')).toEqual(created);
  expect(valuesIn(await imports.stored(), [mark])).toEqual([]);
  await tenant.upload(created.id, [file]);
  const ended = await tenant.untilEnded(created.id);
  expect(ended).toMatchObject({ state: State.SUCCEEDED, counts: { created: 1 }, import: { map } });
  expect((await customers.call('listOperations', {}, tenant.caller)).operations[0]).toEqual(ended);
  expect(valuesIn(await imports.stored(), [mark])).toEqual([]);

  const [id] = await encrypted.find('emails = "new@x.example"');
  await encrypted.erase(id!);
  await expect.poll(async () => (await tenant.get(ended.id)).import?.map).toEqual(['***', '***']);
});

test('an import and its dry run leave no personal value in any table, from the upload to the undo', async () => {
  const mark = 'drumbolt';
  const known = await encrypted.create(someone(`${mark}known`));
  await encrypted.encrypt();
  const rows = marked(mark, 60);
  const file = `${csvOf([...rows, { ...rows[3]!, emails: known.emails }], mark, 'n')},,,,${rows[5]!.emails![0]!.address},,,\n`;
  const values = [mark, ...personalValues(known), ...rows.flatMap(personalValues)];
  const absent = async () => expect(valuesIn(await imports.stored(), values)).toEqual([]);

  const { id } = await tenant.createImport({ dryRun: true });
  await tenant.upload(id, [file.slice(0, 3_000)], { complete: false });
  await absent();
  // The draft of another row with the same external id, for which the dry run waits.
  await tenant.database.query('begin');
  await tenant.database.query(`insert into import_draft_key values ($1, $2, 'EXTERNAL_ID', 'import/n50', $2)`, [
    ...[tenant.caller.tenantId, id],
  ]);
  const held = new OtherWrite(tenant.database);
  await tenant.upload(id, [file.slice(2_000)], { offset: 2_000 });
  await held.untilWaiting(1);
  expect((await tenant.database.query('select from import_draft')).rowCount).toBe(40);
  await absent();
  await held.release();
  const dry = await tenant.untilEnded(id);
  await absent();
  const real = await tenant.run(file);
  await absent();

  expect(dry).toMatchObject({ state: State.SUCCEEDED, error: undefined, counts: real.counts, columns: real.columns });
  expect(real.counts).toMatchObject({ rows: 62, created: 60, updated: 1, joined: 1 });
  expect(real.columns.at(-1)).toMatchObject({ column: `${mark} header`, reason: Reason.UNKNOWN_NAME });
  expect(await imports.issuesOf(dry.id)).toMatchObject(
    (await imports.issuesOf(real.id)).map(({ message }) => ({ message })),
  );
  expect((await imports.issuesOf(real.id))[0]).toMatchObject({
    message: expect.stringContaining(`"${mark}nophone"`) as string,
  });
  expect(await tenant.download(real.id)).toContain(`${mark}nophone`);
  const [listed] = (await customers.call('listOperations', {}, tenant.caller)).operations;
  expect(listed).toEqual(real);
  const [found] = await encrypted.find(`emails = "${rows[7]!.emails![0]!.address}"`);
  expect(await exportOf(found!)).toContain(rows[7]!.familyName);
  await tenant.undo(real.id);
  await absent();
  await tenant.untilCleared();
  expect(await encrypted.find(`emails = "${rows[7]!.emails![0]!.address}"`)).toEqual([]);
  const { etag: _, updateTime: __, ...content } = known;
  expect(await customers.get(tenant.caller, known.id)).toMatchObject(content);
});

test('undo gives a deal its former customer and values, which are sealed with the key of that customer', async () => {
  await encrypted.encrypt();
  const sales = new SalesTenant(customers, tenant.caller);
  const pipeline = await sales.createPipeline();
  const [ada, eve] = [await encrypted.create(someone('yarrowada')), await encrypted.create(someone('yarroweve'))];
  const externalIds = [{ system: 'erp', value: 'D1' }];
  const deal = await sales.createDeal(pipeline, { customerId: ada.id, title: 'yarrow before', externalIds });
  const rows = [`yarrow after,${eve.emails[0]!.address},D1`, `yarrow new,${ada.emails[0]!.address},D2`, 'yarrow,no,D3'];
  const head = `title,customer.email,external_id.erp,pipeline_id,stage`;
  const file = `${head}\n${rows.map((row) => `${row},${pipeline.id},new\n`).join('')}`;

  const dry = await tenant.run(file, { recordType: 'deal', dryRun: true });
  const real = await tenant.run(file, { recordType: 'deal' });
  const get = () => customers.call('getDeal', { id: deal.id }, tenant.caller);
  expect(await get()).toMatchObject({ title: 'yarrow after', customerId: eve.id });
  expect(valuesIn(await imports.stored(), ['yarrow'])).toEqual([]);
  const undone = await tenant.undo(real.id);

  expect(real.counts).toMatchObject({ created: 2, updated: 1 });
  expect(dry.counts).toEqual(real.counts);
  expect(undone).toMatchObject({ state: State.UNDONE, counts: { undone: 3 } });
  expect(await get()).toMatchObject({ title: 'yarrow before', customerId: ada.id });
  expect(valuesIn(await imports.stored(), ['yarrow'])).toEqual([]);
  await encrypted.erase(eve.id);
  expect(await get()).toMatchObject({ title: 'yarrow before', customerId: ada.id });
});

test('a note is sealed with the key of its person, which an undo restores', async () => {
  await encrypted.encrypt();
  const [ada, eve] = [await encrypted.create(someone('tansyada')), await encrypted.create(someone('tansyeve'))];
  const relatedTo = (customer: Customer) => [{ type: 'customer', id: customer.id }];
  const note = { ...Note.decode(new Uint8Array()), body: 'tansy before', related: relatedTo(ada) };
  const { id } = await customers.call('createNote', { note }, tenant.caller);
  const rows = [
    { id, body: 'tansy after', related: relatedTo(eve) },
    { body: 'tansy new', related: relatedTo(eve) },
  ];
  const file = rows.map((row) => JSON.stringify(row)).join('\n');
  const input = { contentType: 'application/x-ndjson', recordType: 'note', listMode: ListMode.REPLACE };

  const real = await tenant.run(file, input);
  const get = () => customers.call('getNote', { id }, tenant.caller);
  expect(await get()).toMatchObject({ body: 'tansy after', customerId: eve.id });
  const undone = await tenant.undo(real.id);

  expect(real.counts).toMatchObject({ created: 1, updated: 1 });
  expect(undone).toMatchObject({ state: State.UNDONE, counts: { undone: 2 } });
  expect(await get()).toMatchObject({ body: 'tansy before', customerId: ada.id });
  expect(valuesIn(await imports.stored(), ['tansy'])).toEqual([]);
});

test('the error of an import is stored encrypted', async () => {
  await encrypted.encrypt();

  const failed = await tenant.run('a,b\n1,2\n');

  expect(failed).toMatchObject({
    ...{ state: State.FAILED },
    error: { reason: 'COLUMNS_UNKNOWN', message: 'map: is required: the file has no column with a known name.' },
  });
  const { rows } = await tenant.database.query<{
    message: string;
  }>(`select error ->> 'message' as message from operation
    where id = '${failed.id}'`);
  expect(rows).toEqual([{ message: expect.stringMatching(/^\u0001[\w-]+$/) as string }]);
});

test('keyless rows match drafts of earlier chunks as they match customers', async () => {
  await encrypted.encrypt();
  const file = `name,city\n${Array.from({ length: 90 }, (_, index) => `Quern ${index % 30},Berlin\n`).join('')}`;

  const dry = await tenant.run(file, { dryRun: true });
  const real = await tenant.run(file);

  expect(real.counts).toMatchObject({ rows: 90, created: 30, joined: 60 });
  expect(dry.counts).toEqual(real.counts);
});

test('an import that waits for a write which takes its value leaves one key for each record', async () => {
  await encrypted.encrypt();
  const { id } = await encrypted.create(someone('grindle'));
  const [key] = (await tenant.database.query<{ value: string }>('delete from customer_key returning value')).rows;
  const before = await imports.keyCount();
  await tenant.database.query('begin');
  const values = [tenant.caller.tenantId, key!.value, id];
  await tenant.database.query(`insert into customer_key values ($1, 'EMAIL', $2, $3)`, values);
  const write = new OtherWrite(tenant.database);
  const operation = await tenant.start(csvOf([...marked('grindlenew', 10), someone('grindle')], 'grindle'));
  await write.untilWaiting(1);

  await tenant.database.query('commit');
  const { counts } = await tenant.untilEnded(operation.id);

  expect(counts).toMatchObject({ created: 10, updated: 1 });
  // With those of the file and the report.
  expect(await imports.keyCount()).toBe(before + 12);
});

test('the keys of a file are destroyed when its import has ended, and those of the report stay', async () => {
  await encrypted.encrypt();
  const known = await encrypted.create(someone('frostnipknown'));
  const { id } = await imports.pausedImport(known, 'frostnip');
  const subjects = [await imports.fileKeyOf(id), await imports.reportKeyOf(id)] as const;
  expect(await imports.areDestroyed(subjects)).toEqual([false, false]);

  await customers.call('resumeOperation', { id }, tenant.caller);
  const states: Operation[] = [];
  for await (const each of tenant.watch(id)) states.push(each as Operation);
  expect(states.at(-1)).toMatchObject({ state: State.SUCCEEDED, counts: { rows: 70 } });
  expect(states.at(-1)!.columns.map(({ column }) => column)).toContain('frostnip header');

  await tenant.untilCleared();
  await expect.poll(() => imports.areDestroyed([subjects[0]]), { timeout: 20_000 }).toEqual([true]);
  expect(await imports.areDestroyed([subjects[1]])).toEqual([false]);
});

test('encryption is refused beside an unfinished import, and removes the file of one that has failed', async () => {
  const { id } = await tenant.start(`${people(30)}"not closed,`);
  await tenant.untilEnded(id);
  const waiting = await tenant.createImport();
  await tenant.upload(waiting.id, ['thrumble'], { complete: false });
  const encrypt = () => customers.call('encryptPersonalData', {}, tenant.caller);
  await expect(encrypt()).rejects.toMatchObject({ reason: 'OPERATIONS_OPEN' });
  await customers.call('cancelOperation', { id: waiting.id }, tenant.caller);

  // Encryption waits for transactions that may have begun before it.
  await tenant.database.query('begin; select pg_current_xact_id()');
  const encryption = await encrypt();
  await expect(tenant.createImport()).rejects.toMatchObject({ code: 'ABORTED', reason: 'CONCURRENT_WRITE' });
  await tenant.database.query('commit');
  await encrypted.untilEnded(encryption.id);

  const pieces = await tenant.database.query('select from import_piece');
  expect(pieces.rowCount).toBe(0);
  for (const method of ['resumeOperation', 'undoOperation'] as const) {
    await expect(customers.call(method, { id }, tenant.caller)).rejects.toMatchObject({
      ...{ code: 'FAILED_PRECONDITION', reason: 'PERSONAL_DATA_ENCRYPTED' },
    });
  }
  const piece = [tenant.caller.tenantId, (await tenant.createImport()).id];
  const plain = tenant.database.query('insert into import_piece values ($1, $2, 0, $3)', [...piece, 'thrumble']);
  await expect(plain).rejects.toMatchObject({ code: '42501' });
});
