import { maskText } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { File } from '@rapport/contracts/rapport/content/v1/files_service';
import { PrivacyServiceService } from '@rapport/contracts/rapport/customers/v1/privacy_service';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { changesOf } from './change-feeds.js';
import { FilesTenant, sha256Of } from './files-tenant.js';
import { MergingTenant } from './merging-tenant.js';
import { OperationTenant } from './operation-tenant.js';
import { person, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';
import { idOf, ScopedTenant } from './scoped-tenant.js';

const customers = await sharedCustomers();

let tenant: FilesTenant;

beforeEach(async () => {
  tenant = await FilesTenant.create(customers);
});
afterEach(() => tenant.close());

async function newCustomer(): Promise<{ id: string; record: string }> {
  const { id } = await customers.create(tenant.caller, person());
  return { id, record: `customers/${id}` };
}

test('a caller reads and writes files of records that it can read and write', async () => {
  const sales = new SalesTenant(customers, tenant.caller);
  const record = `deals/${(await sales.createDeal(await sales.createPipeline())).id}`;
  const file = await tenant.addFile(record, 'secret');
  const may = (...permissions: string[]) => ({ ...tenant.caller, permissions });
  const missing = (permission: string) => ({ code: 'PERMISSION_DENIED', metadata: { permission } });

  const stranger = may('files.read', 'files.write', 'customers.read', 'customers.write');
  await expect(tenant.filesOf(record, stranger)).rejects.toMatchObject(missing('deals.read'));
  await expect(tenant.download(file.id, stranger)).rejects.toMatchObject(missing('deals.read'));
  await expect(customers.call('getFile', { id: file.id }, stranger)).rejects.toMatchObject(missing('deals.read'));
  const reader = may('files.read', 'files.write', 'deals.read');
  expect(await tenant.filesOf(record, reader)).toEqual([file]);
  await expect(tenant.createUpload(record, {}, reader)).rejects.toMatchObject(missing('deals.write'));
  await expect(customers.call('deleteFile', { id: file.id }, reader)).rejects.toMatchObject(missing('deals.write'));
  const { id } = await tenant.createUpload(record);
  await expect(tenant.upload(id, ['x'], { caller: reader })).rejects.toMatchObject(missing('deals.write'));
  await expect(customers.call('deleteFileUpload', { id }, reader)).rejects.toMatchObject(missing('deals.write'));
  const writer = may('files.write', 'deals.write');
  expect((await tenant.upload(id, ['x'], { caller: writer })).file).toBeDefined();
});

test('a caller with a narrow scope sees only the files of visible records', async () => {
  const scoped = new ScopedTenant(customers);
  const files = await FilesTenant.create(customers, scoped.admin);
  const ann = scoped.own();
  const [own, other] = [await scoped.create(ann), await scoped.create(scoped.admin)];
  const [ownRecord, otherRecord] = [`customers/${own.id}`, `customers/${other.id}`];
  const [seen, hidden] = [await files.addFile(ownRecord, 'same'), await files.addFile(otherRecord, 'same')];

  expect(await files.filesOf(ownRecord, ann)).toEqual([seen]);
  expect((await files.download(seen.id, ann)).toString()).toBe('same');
  await expect(files.filesOf(otherRecord, ann)).rejects.toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
  await expect(files.createUpload(otherRecord, {}, ann)).rejects.toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
  for (const call of ['getFile', 'deleteFile'] as const) {
    await expect(customers.call(call, { id: hidden.id }, ann)).rejects.toMatchObject({ reason: 'FILE_NOT_FOUND' });
  }
  await expect(files.download(hidden.id, ann)).rejects.toMatchObject({ reason: 'FILE_NOT_FOUND' });
  const { id } = await files.createUpload(otherRecord);
  await expect(files.upload(id, ['x'], { caller: ann })).rejects.toMatchObject({ reason: 'FILE_UPLOAD_NOT_FOUND' });
  const mine = await files.createUpload(ownRecord, {}, ann);
  const { file } = await files.upload(mine.id, ['mine'], { caller: ann });
  await customers.call('deleteFile', { id: seen.id }, ann);

  const types = ['file'];
  const changes = await changesOf(customers, ann, 3, { types });
  expect(changes.map(({ recordId, operation }) => [recordId, operation])).toEqual(
    expect.arrayContaining([
      [file!.id, ChangeOperation.CREATE],
      [seen.id, ChangeOperation.DELETE],
    ]),
  );
  expect(JSON.stringify(changes)).not.toContain(hidden.id);
  // When the customer is visible, so are its files and their changes.
  await customers.update(scoped.admin, other.id, { ownerId: idOf(ann) });
  expect(await files.filesOf(otherRecord, ann)).toEqual([hidden]);
  await files.close();
});

test('names and hashes are hidden, and bytes refused, for callers without access to personal data', async () => {
  const { record } = await newCustomer();
  const file = await tenant.addFile(record, 'secret', { name: 'Ada Lovelace.txt' });
  const blind = { ...tenant.caller, hidesPii: true };

  expect(await tenant.filesOf(record, blind)).toEqual([{ ...file, name: maskText, sha256: maskText }]);
  await expect(tenant.download(file.id, blind)).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    reason: 'PERSONAL_DATA_HIDDEN',
  });
  const [change] = await changesOf(customers, blind, 1, { types: ['file'] });
  expect(change?.after).toMatchObject({ id: file.id, name: maskText, sha256: maskText, sizeBytes: 6 });
});

test('the change log has files in their response form, for readers that can read files and their records', async () => {
  const { record } = await newCustomer();
  const sales = new SalesTenant(customers, tenant.caller);
  const deal = `deals/${(await sales.createDeal(await sales.createPipeline())).id}`;
  const file = await tenant.addFile(record, 'x');
  const ofDeal = await tenant.addFile(deal, 'y');
  for (const { id } of [file, ofDeal]) {
    await customers.call('updateFile', { id, file: { ...file, name: 'renamed' }, updateMask: ['name'] }, tenant.caller);
    await customers.call('deleteFile', { id, permanent: true }, tenant.caller);
  }

  const changes = await changesOf(customers, tenant.caller, 6, { types: ['file'] });

  const ends = changes.filter(({ operation }) => operation !== ChangeOperation.UPDATE);
  expect(ends).toMatchObject([
    { recordId: file.id, operation: ChangeOperation.CREATE, after: json(file) },
    { recordId: ofDeal.id, operation: ChangeOperation.CREATE, after: json(ofDeal) },
    { recordId: file.id, operation: ChangeOperation.DELETE, before: { name: 'renamed', record } },
    { recordId: ofDeal.id, operation: ChangeOperation.DELETE, before: { name: 'renamed', record: deal } },
  ]);
  const stranger = { ...tenant.caller, permissions: ['customers.read', 'deals.read'] };
  const refused = customers.call('listChanges', { types: ['file'] }, stranger);
  await expect(refused).rejects.toMatchObject({ metadata: { permission: 'files.read' } });
  const half = { ...tenant.caller, permissions: ['files.read', 'customers.read'] };
  const ofCustomers = await changesOf(customers, half, 3, { types: ['file'] });
  expect(ofCustomers.map(({ recordId }) => recordId)).toEqual([file.id, file.id, file.id]);
});

test('files of a deleted record are hidden until it is restored', async () => {
  const { id, record } = await newCustomer();
  const file = await tenant.addFile(record, 'x');
  const upload = await tenant.createUpload(record);
  await tenant.upload(upload.id, ['so far'], { complete: false });

  await customers.delete(tenant.caller, id);

  await expect(tenant.filesOf(record)).rejects.toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
  const get = customers.call('getFile', { id: file.id }, tenant.caller);
  await expect(get).rejects.toMatchObject({ reason: 'FILE_NOT_FOUND' });
  await expect(tenant.upload(upload.id, [], { offset: 6 })).rejects.toMatchObject({ reason: 'FILE_UPLOAD_NOT_FOUND' });
  await customers.call('undeleteCustomer', { id }, tenant.caller);
  expect(await tenant.filesOf(record)).toEqual([file]);
  expect((await tenant.upload(upload.id, [], { offset: 6 })).file?.sizeBytes).toBe(6);
});

test('files move with a merge, and back when it is undone', async () => {
  const merging = new MergingTenant(customers, tenant.caller);
  const [ada, eve] = [await newCustomer(), await newCustomer()];
  const own = await tenant.addFile(ada.record, 'own');
  const moved = await tenant.addFile(eve.record, 'moved');
  const upload = await tenant.createUpload(eve.record);

  const { record: merge } = await merging.merge(ada.id, eve.id);

  const [arrived, stayed] = await tenant.filesOf(ada.record);
  expect([arrived, stayed]).toEqual([{ ...moved, ...changed(arrived!), etag: '"2"', record: ada.record }, own]);
  await expect(tenant.filesOf(eve.record)).rejects.toMatchObject({ metadata: { mergedInto: ada.id } });
  const { file: late } = await tenant.upload(upload.id, ['late']);
  expect(late?.record).toBe(ada.record);
  const [change] = (await changesOf(customers, tenant.caller, 4, { types: ['file'] })).slice(2);
  expect(change).toMatchObject({ operation: ChangeOperation.UPDATE, changedFields: ['record'] });
  await merging.unmerge(merge.id);
  expect(await tenant.filesOf(ada.record)).toEqual([late, own]);
  const [back] = await tenant.filesOf(eve.record);
  expect(back).toEqual({ ...moved, ...changed(back!), etag: '"3"' });
});

/** Fields that every change of a file updates. */
function changed({ updateTime, updatedBy }: File): Partial<File> {
  return { updateTime, updatedBy };
}

/** In JSON form: without unset fields. */
function json<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

test('an erasure removes the files of the person and their records, from the change log too', async () => {
  const sales = new SalesTenant(customers, tenant.caller);
  const merging = new MergingTenant(customers, tenant.caller);
  const [ada, twin, other] = [await newCustomer(), await newCustomer(), await newCustomer()];
  const pipeline = await sales.createPipeline();
  const deal = `deals/${(await sales.createDeal(pipeline, { customerId: ada.id })).id}`;
  const kept = [await tenant.addFile(other.record, 'shared'), await tenant.addFile(`pipelines/${pipeline.id}`, 'p')];
  await tenant.addFile(ada.record, 'shared', { name: 'quaxly1' });
  await tenant.addFile(twin.record, 'quaxly2 bytes');
  await tenant.addFile(deal, 'quaxly3 bytes', { name: 'quaxly3' });
  await merging.merge(ada.id, twin.id);
  const upload = await tenant.createUpload(ada.record, { name: 'quaxly4' });
  await tenant.upload(upload.id, ['quaxly4 bytes'], { complete: false });

  const { erased } = await customers.call('eraseCustomer', { id: ada.id, erasure: { reason: 'case' } }, tenant.caller);

  expect(erased).toContainEqual({ dataClass: 'files', count: 3 });
  await expect.poll(() => tenant.storedBytes()).toEqual({ stored: 7, counted: 7 });
  expect((await tenant.download(kept[0]!.id)).toString()).toBe('shared');
  expect(await tenant.filesOf(deal)).toEqual([]);
  expect(await tenant.filesOf(`pipelines/${pipeline.id}`)).toEqual([kept[1]]);
  await expect(tenant.getUpload(upload.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const log = await tenant.database.query<{ log: string }>(
    `select coalesce(string_agg(before::text || after::text, ''), '') as log from change_log where tenant_id = $1`,
    [tenant.caller.tenantId],
  );
  expect(log.rows[0]?.log).not.toContain('quaxly');
});

test('the export of personal data lists the files of the person and their records', async () => {
  const sales = new SalesTenant(customers, tenant.caller);
  const [ada, other] = [await newCustomer(), await newCustomer()];
  const deal = await sales.createDeal(await sales.createPipeline(), { customerId: ada.id });
  const files = [await tenant.addFile(ada.record, 'one'), await tenant.addFile(`deals/${deal.id}`, 'two')];
  const strange = await tenant.addFile(other.record, 'three');

  const options = { context: customers.outgoing(tenant.caller), deadlineMs: 20_000 };
  const { path } = PrivacyServiceService.exportPersonalData;
  const pieces = [];
  for await (const piece of customers.streams.stream(path, { id: ada.id }, options)) {
    pieces.push(Buffer.from((piece as HttpBody).data));
  }
  const data = JSON.parse(Buffer.concat(pieces).toString()) as {
    files: object[];
    changes: { type: string; recordId: string }[];
  };

  expect(data.files).toEqual(files);
  expect(files[0]?.sha256).toBe(sha256Of('one'));
  const logged = data.changes.filter(({ type }) => type === 'file').map(({ recordId }) => recordId);
  expect(logged).toEqual(files.map(({ id }) => id));
  expect(JSON.stringify(data)).not.toContain(strange.id);
});

test('the undo of an import retains a record that has a file', async () => {
  const operations = await OperationTenant.create(customers, tenant.caller);
  const { id } = await operations.run('name,email\nAda,a@x.example\nBob,b@x.example\n');
  const listed = await customers.call('listCustomers', { filter: 'emails = "a@x.example"' }, tenant.caller);
  const record = `customers/${listed.customers[0]!.id}`;
  const file = await tenant.addFile(record, 'x');

  await customers.call('undoOperation', { id }, tenant.caller);
  const undone = await operations.untilEnded(id);
  await vi.waitUntil(async () => (await operations.get(id)).counts?.undone === 1);

  expect(undone.id).toBe(id);
  expect(await tenant.filesOf(record)).toEqual([file]);
  expect((await customers.call('listCustomers', {}, tenant.caller)).customers).toHaveLength(1);
  await operations.close();
});
