import { randomBytes } from 'node:crypto';
import { HttpHeader } from '@rapport/contracts/rapport/api/v1/http_header';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FilesTenant, sha256Of } from './files-tenant.js';
import { newCaller, person, RunningCustomers, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

const customers = await sharedCustomers();

let tenant: FilesTenant;
let record: string;

beforeEach(async () => {
  tenant = await FilesTenant.create(customers);
  record = `customers/${(await customers.create(tenant.caller, person())).id}`;
});
afterEach(() => tenant.close());

const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(400_000)]);

test('a file of a record of any type is downloaded as it was uploaded', async () => {
  const sales = new SalesTenant(customers, tenant.caller);
  const pipeline = await sales.createPipeline();
  const deal = await sales.createDeal(pipeline);
  for (const name of [record, `deals/${deal.id}`, `pipelines/${pipeline.id}`]) {
    const upload = await tenant.createUpload(name, { name: 'plan.png', sizeBytes: png.length, sha256: sha256Of(png) });
    expect(upload).toMatchObject({ record: name, name: 'plan.png', receivedBytes: 0, file: undefined });

    const { file } = await tenant.upload(upload.id, [png]);

    expect(file).toMatchObject({ id: upload.id, record: name, name: 'plan.png', contentType: 'image/png' });
    expect(file).toMatchObject({ sizeBytes: png.length, sha256: sha256Of(png), createdBy: tenant.caller.principalId });
    expect(await customers.call('getFile', { id: upload.id }, tenant.caller)).toEqual(file);
    expect(await tenant.filesOf(name)).toEqual([file]);
    expect((await tenant.download(upload.id)).equals(png)).toBe(true);
  }
});

test('files of a record are listed page by page, newest first', async () => {
  const made = [];
  for (const name of ['a', 'b', 'c', 'd', 'e']) made.unshift(await tenant.addFile(record, name, { name }));

  const first = await customers.call('listFiles', { record, pageSize: 3 }, tenant.caller);
  const rest = await customers.call(
    'listFiles',
    { record, pageSize: 3, pageToken: first.nextPageToken },
    tenant.caller,
  );

  expect([...first.files, ...rest.files]).toEqual(made);
  expect(first.files).toHaveLength(3);
  expect(rest.nextPageToken).toBeUndefined();
  const other = `customers/${(await customers.create(tenant.caller, person())).id}`;
  const elsewhere = customers.call('listFiles', { record: other, pageToken: first.nextPageToken }, tenant.caller);
  await expect(elsewhere).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('files of the same content share their bytes, which are removed with the last of them', async () => {
  const files = [await tenant.addFile(record, png), await tenant.addFile(record, png, { name: 'again.png' })];
  await expect.poll(() => tenant.storedBytes()).toEqual({ stored: png.length, counted: png.length });

  expect(await customers.call('deleteFile', { id: files[0]!.id, permanent: true }, tenant.caller)).toEqual(files[0]);
  await expect(tenant.download(files[0]!.id)).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'FILE_NOT_FOUND' });
  expect((await tenant.download(files[1]!.id)).equals(png)).toBe(true);
  await customers.call('deleteFile', { id: files[1]!.id, permanent: true }, tenant.caller);

  await expect.poll(() => tenant.storedBytes()).toEqual({ stored: 0, counted: 0 });
  const again = customers.call('deleteFile', { id: files[1]!.id, permanent: true }, tenant.caller);
  await expect(again).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('concurrent removal and upload of the same bytes never breaks a file', async () => {
  let last = await tenant.addFile(record, png);
  for (let round = 0; round < 10; round += 1) {
    const { id } = await tenant.createUpload(record);
    await tenant.upload(id, [png], { complete: false });
    const [{ file }] = await Promise.all([
      tenant.upload(id, [], { offset: png.length }),
      customers.call('deleteFile', { id: last.id, permanent: true }, tenant.caller),
    ]);
    last = file!;
  }
  await expect.poll(() => tenant.storedBytes()).toEqual({ stored: png.length, counted: png.length });
  expect((await tenant.download(last.id)).equals(png)).toBe(true);
});

test('two tenants never share bytes', async () => {
  const other = await FilesTenant.create(customers);
  const { id } = await customers.create(other.caller, person());
  const theirs = await other.addFile(`customers/${id}`, png);
  const ours = await tenant.addFile(record, png);

  await customers.call('deleteFile', { id: ours.id, permanent: true }, tenant.caller);

  await expect.poll(() => tenant.storedBytes()).toEqual({ stored: 0, counted: 0 });
  expect((await other.download(theirs.id)).equals(png)).toBe(true);
  await expect(tenant.download(theirs.id)).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'FILE_NOT_FOUND' });
  await other.close();
});

test('an interrupted upload is resumed at its offset, and repeated when its response is lost', async () => {
  const { id } = await tenant.createUpload(record);
  const part = await tenant.upload(id, [png.subarray(0, 300_000)], { complete: false });
  expect(part).toMatchObject({ receivedBytes: 300_000, file: undefined });
  await expect(tenant.filesOf(record)).resolves.toEqual([]);
  const other = Buffer.from(png);
  other[10]! ^= 1;
  await expect(tenant.upload(id, [other])).rejects.toMatchObject({ violations: [{ reason: 'FILE_DIFFERS' }] });
  const beyond = tenant.upload(id, [png], { offset: 300_001 });
  await expect(beyond).rejects.toMatchObject({ violations: [{ reason: 'OFFSET_BEYOND_RECEIVED' }] });

  const whole = await tenant.upload(id, [png.subarray(299_000)], { offset: 299_000 });

  expect(whole.file?.sha256).toBe(sha256Of(png));
  expect(await tenant.getUpload(id)).toEqual(whole);
  expect(await tenant.upload(id, [png])).toEqual(whole);
  expect(await tenant.upload(id, [], { offset: png.length })).toEqual(whole);
  await expect(tenant.upload(id, [other])).rejects.toMatchObject({ violations: [{ reason: 'FILE_DIFFERS' }] });
  const more = tenant.upload(id, ['more'], { offset: png.length });
  await expect(more).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'FILE_COMPLETE' });
  expect((await tenant.download(id)).equals(png)).toBe(true);
});

test('an upload that does not match its announcement creates no file', async () => {
  const longer = await tenant.createUpload(record, { sizeBytes: 4 });
  await expect(tenant.upload(longer.id, ['12345'])).rejects.toMatchObject({ violations: [{ reason: 'SIZE_DIFFERS' }] });
  await expect(tenant.upload(longer.id, ['123'])).rejects.toMatchObject({ violations: [{ reason: 'SIZE_DIFFERS' }] });
  const other = await tenant.createUpload(record, { sha256: sha256Of('1234') });
  await expect(tenant.upload(other.id, ['4321'])).rejects.toMatchObject({ violations: [{ reason: 'SHA256_DIFFERS' }] });

  expect(await tenant.filesOf(record)).toEqual([]);
  for (const { id } of [longer, other]) await customers.call('deleteFileUpload', { id }, tenant.caller);
  await expect.poll(() => tenant.storedBytes()).toEqual({ stored: 0, counted: 0 });
  await expect(tenant.getUpload(other.id)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    reason: 'FILE_UPLOAD_NOT_FOUND',
  });
});

test('an incomplete upload expires with its bytes; a completed one retains them', async () => {
  const { id } = await tenant.createUpload(record);
  await tenant.upload(id, ['some'], { complete: false });
  const kept = await tenant.addFile(record, 'all');
  // Simulates a day. A worker may hold the job of an upload that was completed at the last moment.
  await tenant.database.query(`insert into operation_job (operation_id, tenant_id, due_time) values ($1, $2, now())`, [
    kept.id,
    tenant.caller.tenantId,
  ]);
  await tenant.database.query(`update operation_job set due_time = now() where operation_id = $1`, [id]);

  await expect.poll(() => tenant.storedBytes(), { timeout: 20_000 }).toEqual({ stored: 3, counted: 3 });
  const hasJobs = async () =>
    (await tenant.database.query('select from operation_job where tenant_id = $1', [tenant.caller.tenantId])).rowCount;
  await expect.poll(hasJobs, { timeout: 20_000 }).toBe(0);
  await expect(tenant.getUpload(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await tenant.download(kept.id)).toEqual(Buffer.from('all'));
});

test('an empty file is a file', async () => {
  const file = await tenant.addFile(record, '');
  expect(file).toMatchObject({ sizeBytes: 0, sha256: sha256Of(''), contentType: 'application/octet-stream' });
  expect(await tenant.download(file.id)).toHaveLength(0);
});

test.each([
  ['<html><script>alert(1)</script>', 'text/html', 'text/plain'],
  ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml', 'text/plain'],
  ['<html></html>', 'image/png', 'text/plain'],
  ['a,b\n1,2\n', 'text/csv', 'text/csv'],
  ['%PDF-1.7 …', 'text/html', 'application/pdf'],
  [
    Buffer.from('504b0304ffff', 'hex'),
    'application/vnd.oasis.opendocument.text',
    'application/vnd.oasis.opendocument.text',
  ],
  [Buffer.from('504b0304ffff', 'hex'), 'text/html', 'application/zip'],
  [Buffer.from('00ff00fe', 'hex'), 'application/javascript', 'application/octet-stream'],
  ['text\u0000', undefined, 'application/octet-stream'],
])('the bytes %o declared as %s are downloaded as %s', async (data, contentType, shown) => {
  const file = await tenant.addFile(record, data, { contentType });
  expect(file.contentType).toBe(shown);
  const { value: first } = await tenant.messages(file.id).next();
  expect(first!.contentType).toBe(shown);
});

test.each([
  ['../../etc/passwd', 'passwd', `attachment; filename="passwd"; filename*=UTF-8''passwd`],
  ['C:\\files\\a.txt', 'a.txt', `attachment; filename="a.txt"; filename*=UTF-8''a.txt`],
  [
    'a\r\nSet-Cookie: x\u0007.txt',
    'aSet-Cookie: x.txt',
    `attachment; filename="aSet-Cookie: x.txt"; filename*=UTF-8''aSet-Cookie%3A%20x.txt`,
  ],
  ['gpj.\u202eexe', 'gpj.exe', `attachment; filename="gpj.exe"; filename*=UTF-8''gpj.exe`],
  [
    'Angebot "März" (1).pdf',
    'Angebot "März" (1).pdf',
    `attachment; filename="Angebot _M_rz_ (1).pdf"; filename*=UTF-8''Angebot%20%22M%C3%A4rz%22%20%281%29.pdf`,
  ],
])('the name %o becomes %o', async (given, name, disposition) => {
  const file = await tenant.addFile(record, 'x', { name: given });
  expect(file.name).toBe(name);
  const { value: first } = await tenant.messages(file.id).next();
  const [header] = first!.extensions;
  expect(HttpHeader.decode(header!.value)).toEqual({ name: 'content-disposition', value: disposition });
});

test('an upload without a record or a usable name is refused', async () => {
  for (const name of ['/', '..', '\u0007\u202e', ' ']) {
    await expect(tenant.createUpload(record, { name })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'fileUpload.name', reason: 'FILE_NAME_EMPTY' }],
    });
  }
  const unknown = tenant.createUpload(record.replace('customers', 'rockets'));
  await expect(unknown).rejects.toMatchObject({
    violations: [{ field: 'fileUpload.record', reason: 'RECORD_TYPE_UNKNOWN' }],
  });
  const missing = `customers/${newCaller().tenantId}`;
  await expect(tenant.createUpload(missing)).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND' });
  await expect(tenant.filesOf(missing)).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND' });
  await expect(tenant.createUpload('customers/1')).rejects.toMatchObject({
    violations: [{ field: 'fileUpload.record' }],
  });
});

test('the files of a tenant are limited by its quota, which the error names', async () => {
  const quotaBytes = 600_000;
  const strict = await RunningCustomers.start({ fileQuotaBytes: quotaBytes, jobLookMs: 50 });
  const limited = await FilesTenant.create(strict);
  const { id: customerId } = await strict.create(limited.caller, person());
  const own = `customers/${customerId}`;
  const refusal = {
    ...{ code: 'RESOURCE_EXHAUSTED', reason: 'FILE_QUOTA' },
    ...{ message: expect.stringContaining('600000 bytes') as string, metadata: { quotaBytes: '600000' } },
  };
  await limited.addFile(own, png);

  await expect(limited.createUpload(own, { sizeBytes: 200_000 })).rejects.toMatchObject(refusal);
  const uploads = [await limited.createUpload(own), await limited.createUpload(own)];
  const outcomes = await Promise.allSettled(uploads.map(({ id }) => limited.upload(id, [randomBytes(150_000)])));

  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as object] : []));
  expect(refused).toEqual([expect.objectContaining({ reason: 'FILE_QUOTA' })]);
  const { stored, counted } = await limited.storedBytes();
  expect(counted).toBe(stored);
  expect(stored).toBeLessThanOrEqual(quotaBytes);
  const [first] = (await limited.filesOf(own)).toReversed();
  await strict.call('deleteFile', { id: first!.id, permanent: true }, limited.caller);
  await vi.waitUntil(async () => (await limited.storedBytes()).counted < 300_000);
  const [open] = await limited.database.query<{ id: string }>('select id from file_upload').then(({ rows }) => rows);
  const { receivedBytes: offset } = await limited.getUpload(open!.id);
  expect((await limited.upload(open!.id, ['rest'], { offset })).file).toBeDefined();
  await limited.close();
  await strict.stop();
}, 60_000);

test('a tenant has at most a hundred incomplete uploads', async () => {
  for (let start = 0; start < 100; start += 20) {
    await Promise.all(Array.from({ length: 20 }, () => tenant.createUpload(record)));
  }
  await expect(tenant.createUpload(record)).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_UPLOADS',
  });
});
