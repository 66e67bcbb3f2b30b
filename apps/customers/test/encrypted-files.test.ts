import { randomBytes } from 'node:crypto';
import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { File as FileMessage } from '@rapport/contracts/rapport/content/v1/files_service';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { downloadArchive, exportArchive, fillWorkspace, uploadArchive } from './archive-tenant.js';
import { newKeys, restoreBackup, type Keys } from './databases.js';
import { EncryptedTenant, everythingIn, someone, valuesIn } from './encrypted-tenant.js';
import { FilesTenant, sha256Of } from './files-tenant.js';
import { person, RunningCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

let service: RunningCustomers;
let keys: Keys;
let encrypted: EncryptedTenant;
let files: FilesTenant;

// A service of its own: it has keys, and the test reads the whole database.
beforeAll(async () => {
  keys = await newKeys();
  service = await start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  encrypted = new EncryptedTenant(service);
  files = await FilesTenant.create(service, encrypted.caller);
});
afterEach(() => files.close());

function start(options: Parameters<typeof RunningCustomers.start>[0] = {}): Promise<RunningCustomers> {
  return RunningCustomers.start({ keys, encryptionStalenessMs: 20, jobLookMs: 50, ...options });
}

async function newRecord(): Promise<string> {
  return `customers/${(await service.create(encrypted.caller, person())).id}`;
}

const idIn = (record: string) => record.split('/')[1]!;
const marked = (mark: string) => Buffer.from(`${mark} `.repeat(40_000));
const stored = () => everythingIn([service.urls.ownerUrl, keys.databaseUrl]);
const isPlain = async () => (await files.database.query('select from file_piece where not sealed')).rowCount !== 0;

test('files stored before or after encryption was enabled are nowhere in plaintext', async () => {
  const [one, other] = [await newRecord(), await newRecord()];
  const early = await files.addFile(one, marked('quaxly'), { name: 'quaxly.txt' });
  const shared = [await files.addFile(one, marked('zorbic')), await files.addFile(other, marked('zorbic'))];
  const deleted = await files.addFile(other, 'zorbic gone', { name: 'zorbic.txt' });
  await service.call('deleteFile', { id: deleted.id }, encrypted.caller);
  const empty = await files.addFile(other, '');
  const upload = await files.createUpload(one, { name: 'quaxly-half.txt' });
  await files.upload(upload.id, ['quaxly half'], { complete: false });
  const hashes = [early, shared[0]!].map(({ sha256 }) => sha256);
  expect(valuesIn(await stored(), ['quaxly', 'zorbic', ...hashes])).toHaveLength(4);

  const operation = await encrypted.encrypt();
  const late = await files.addFile(one, marked('quaxly late'), {
    name: 'quaxly-late.txt',
    sha256: sha256Of(marked('quaxly late')),
  });

  expect(operation).toMatchObject({ state: State.SUCCEEDED, counts: { rows: 7, updated: 7 } });
  expect(valuesIn(await stored(), ['quaxly', 'zorbic', ...hashes, late.sha256])).toEqual([]);
  expect(await isPlain()).toBe(false);
  expect(await files.filesOf(one)).toEqual([late, shared[0], early]);
  for (const [file, data] of [
    [early, 'quaxly'],
    [shared[0]!, 'zorbic'],
    [shared[1]!, 'zorbic'],
    [late, 'quaxly late'],
  ] as const) {
    expect((await files.download(file.id)).equals(marked(data)), file.name).toBe(true);
  }
  expect(await files.download(empty.id)).toHaveLength(0);
  await expect(files.getUpload(upload.id)).rejects.toMatchObject({ reason: 'FILE_UPLOAD_NOT_FOUND' });
  await service.call('undeleteFile', { id: deleted.id }, encrypted.caller);
  expect((await files.download(deleted.id)).toString()).toBe('zorbic gone');
  expect((await service.call('verifyAuditEntries', {}, encrypted.caller)).fault).toBeUndefined();
}, 60_000);

test('an encrypted file supports resume, rename, ranges, merges, and idempotency keys', async () => {
  await encrypted.encrypt();
  const [one, other] = [await newRecord(), await newRecord()];
  const data = randomBytes(700_001);
  const fileUpload = { ...(await files.createUpload(one)), name: 'vexil.bin', sha256: sha256Of(data), id: '' };
  const create = () => service.call('createFileUpload', { fileUpload, requestId: 'again' }, encrypted.caller);
  const upload = await create();
  expect(await create()).toEqual(upload);
  await files.upload(upload.id, [data.subarray(0, 300_000)], { complete: false });

  const { file } = await files.upload(upload.id, [data.subarray(299_000)], { offset: 299_000 });

  expect(file).toMatchObject({ name: 'vexil.bin', sha256: sha256Of(data), sizeBytes: data.length });
  expect(await files.upload(upload.id, [data])).toMatchObject({ file });
  await expect(files.upload(upload.id, [randomBytes(5)])).rejects.toMatchObject({
    violations: [{ reason: 'FILE_DIFFERS' }],
  });
  expect((await files.range(file!.id, 'bytes=262143-524289')).equals(data.subarray(262_143, 524_290))).toBe(true);
  const body = { ...FileMessage.decode(new Uint8Array()), name: 'vexil-two.bin' };
  const update = { id: file!.id, file: body, updateMask: ['name'], requestId: 'rename' };
  const renamed = await service.call('updateFile', update, encrypted.caller);
  expect(renamed.name).toBe('vexil-two.bin');
  expect(await service.call('updateFile', update, encrypted.caller)).toEqual(renamed);
  await service.call(
    'mergeCustomers',
    { id: idIn(other), merge: { mergedId: idIn(one), preferMerged: [] } },
    encrypted.caller,
  );
  expect(await files.filesOf(other)).toMatchObject([
    { id: file!.id, name: 'vexil-two.bin', sha256: sha256Of(data), etag: '"3"' },
  ]);
  expect((await files.download(file!.id)).equals(data)).toBe(true);
  expect(valuesIn(await stored(), ['vexil', sha256Of(data)])).toEqual([]);
});

test('equal bytes of two persons are stored separately, and those of an erased one are unreadable in a backup', async () => {
  let own = await start();
  const { caller } = encrypted;
  await new EncryptedTenant(own, caller).encrypt();
  const ownFiles = await FilesTenant.create(own, caller);
  const persons = [await own.create(caller, person()), await own.create(caller, person())];
  const [one, other] = persons.map(({ id }) => `customers/${id}`) as [string, string];
  const [erased, kept] = [await ownFiles.addFile(one, 'the same'), await ownFiles.addFile(other, 'the same')];
  const gone = await ownFiles.addFile(other, 'deleted permanently');
  const { rows } = await ownFiles.database.query<{ data: Buffer }>('select data from file_piece');
  expect(new Set(rows.map(({ data }) => data.toString('hex'))).size).toBe(3);
  await ownFiles.close();
  await own.stop();
  const backup = await restoreBackup(own.urls);
  own = await start({ databases: own.urls });

  await new EncryptedTenant(own, caller).erase(persons[0]!.id);
  await own.call('deleteFile', { id: gone.id, permanent: true }, caller);

  const now = await FilesTenant.create(own, caller);
  const due = async () => (await now.database.query('select from key_destruction')).rowCount;
  await expect.poll(due, { timeout: 20_000 }).toBe(0);
  expect((await now.download(kept.id)).toString()).toBe('the same');
  await now.close();
  await own.stop();
  const restored = await start({ databases: backup });
  const old = await FilesTenant.create(restored, caller);
  for (const { id } of [erased, gone]) {
    expect(await restored.call('getFile', { id }, caller)).toMatchObject({ name: '***', sha256: '***' });
    await expect(old.download(id)).rejects.toMatchObject({ code: 'ABORTED', reason: 'FILE_DELETED' });
  }
  expect((await old.download(kept.id)).toString()).toBe('the same');
  await old.close();
  await restored.stop();
}, 120_000);

test('an encryption killed within a file resumes there, without an effect on readers', async () => {
  const record = await newRecord();
  const data = randomBytes(5_000_000);
  const [file, twin] = [await files.addFile(record, data), await files.addFile(record, data)];
  const { id } = await service.call('encryptPersonalData', {}, encrypted.caller);
  const copied = async () => {
    const sql = 'select count(*)::int as count from file_piece where sealed';
    return (await files.database.query<{ count: number }>(sql)).rows[0]!.count;
  };
  // It loses its connections, as by a kill, within the first file.
  await vi.waitUntil(async () => (await copied()) >= 6, { timeout: 60_000, interval: 2 });
  const superuser = await service.connectAsSuperuser();
  const { username } = new URL(service.urls.appUrl);
  await superuser.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [username]);
  const download = await vi.waitFor(() => files.download(twin.id), { timeout: 60_000 });
  expect(download.equals(data)).toBe(true);
  await superuser.end();

  expect(await encrypted.untilEnded(id)).toMatchObject({ state: State.SUCCEEDED });

  expect(await isPlain()).toBe(false);
  for (const each of [file, twin]) expect((await files.download(each.id)).equals(data)).toBe(true);
  // Abandoned copies leave nothing.
  const size = 2 * (data.length + Math.ceil(data.length / (256 * 1_024)) * 28);
  await expect.poll(() => files.storedBytes(), { timeout: 20_000 }).toEqual({ stored: size, counted: size });
}, 120_000);

test('the database refuses unencrypted files of an encrypted tenant from every writer', async () => {
  await encrypted.encrypt();
  const { tenantId } = encrypted.caller;
  const app = await service.connectAsSuperuser();
  await app.query(`set role ${new URL(service.urls.appUrl).username}`);
  await app.query(`select set_config('app.tenant_id', $1, false)`, [tenantId]);
  for (const insert of [
    `insert into file_piece (tenant_id, content_id, start, data) values ($1, $1, 0, 'x')`,
    `insert into file_content (tenant_id, content_id, sha256, size_bytes) values ($1, $1, 'x', 0)`,
    `insert into file_upload (tenant_id, id, record, record_table, name, received_bytes, expire_time, created_by)
      values ($1, $1, 'customers/1', 'customer', 'x', 0, now(), 'x')`,
  ]) {
    await expect(app.query(insert, [tenantId])).rejects.toThrow(/row-level security/);
  }
  await app.end();
});

test('an exported or uploaded archive can not be read after an erasure', async () => {
  await encrypted.encrypt();
  const { ada } = await fillWorkspace(encrypted, 'blorpgone');
  const id = await exportArchive(encrypted);
  const archive = await downloadArchive(encrypted, id);
  const target = new EncryptedTenant(service);
  await target.encrypt();
  const upload = await service.call('importWorkspace', {}, target.caller);
  await uploadArchive(target, upload.id, archive.subarray(0, 300_000), { complete: false });
  const other = await target.create(someone('blorpother'));
  const [superuser, keysDatabase] = [await superuserOf(service.urls.ownerUrl), await superuserOf(keys.databaseUrl)];
  const { rows: subjects } = await superuser.query<{ id: string }>(
    'select distinct key_subject as id from workspace_piece where operation_id = any ($1)',
    [[id, upload.id]],
  );

  await encrypted.erase(ada);
  await target.erase(other.id);

  expect(subjects).toHaveLength(2);
  const destroyed = await keysDatabase.query(
    'select from subject_key where customer_id = any ($1) and wrapped is null and destroy_time is not null',
    [subjects.map((subject) => subject.id)],
  );
  await Promise.all([superuser.end(), keysDatabase.end()]);
  expect(destroyed.rowCount).toBe(2);
  await expect(downloadArchive(encrypted, id)).rejects.toMatchObject({ reason: 'ARCHIVE_MISSING' });
  const { state, error } = await target.untilEnded(upload.id);
  expect({ state, error }).toMatchObject({ state: State.FAILED, error: { reason: 'ARCHIVE_ERASED' } });
  await expect(uploadArchive(target, upload.id, archive)).rejects.toMatchObject({ reason: 'OPERATION_NOT_WAITING' });
});

test('an erasure during an import ends it, and its receipt stays', async () => {
  await encrypted.encrypt();
  const { ada } = await fillWorkspace(encrypted, 'blorpcut');
  const archive = await downloadArchive(encrypted, await exportArchive(encrypted));
  const target = new EncryptedTenant(service);
  await target.encrypt();
  const superuser = await superuserOf(service.urls.ownerUrl);
  // An import reads this table first, and fills it after all records.
  await superuser.query('begin; lock table customer_merge in share mode');
  const { id } = await service.call('importWorkspace', {}, target.caller);
  await uploadArchive(target, id, archive);
  const waiting = `select from pg_locks where relation = 'customer_merge'::regclass and not granted`;
  await vi.waitUntil(async () => (await superuser.query(waiting)).rowCount! > 0, { timeout: 20_000 });

  const erasing = target.erase(ada);
  await vi.waitUntil(async () => (await superuser.query('select from pg_locks where not granted')).rowCount! > 1);
  await superuser.query('commit');
  const receipt = await erasing;

  expect(await target.untilEnded(id)).toMatchObject({ state: State.FAILED, error: { reason: 'ARCHIVE_ERASED' } });
  const left = 'select from customer where tenant_id = $1';
  await vi.waitUntil(async () => (await superuser.query(left, [target.caller.tenantId])).rowCount === 0, {
    timeout: 20_000,
  });
  await superuser.end();
  expect(await service.call('listErasures', {}, target.caller)).toMatchObject({ erasures: [receipt] });
});

test('an export starts again without a person who is erased meanwhile', async () => {
  await encrypted.encrypt();
  const [ada] = [await encrypted.create(someone('blorpada')), await encrypted.create(someone('blorpeve'))];
  const superuser = await superuserOf(service.urls.ownerUrl);
  // An export reads this table after it has taken its snapshot, and before customers.
  await superuser.query('begin; lock table forecast_snapshot in access exclusive mode');
  const { id } = await service.call('exportWorkspace', {}, encrypted.caller);
  const waiting = `select from pg_locks where relation = 'forecast_snapshot'::regclass and not granted`;
  await vi.waitUntil(async () => (await superuser.query(waiting)).rowCount! > 0, { timeout: 20_000 });
  await encrypted.erase(ada.id);
  await superuser.query('commit');
  await superuser.end();

  expect(await encrypted.untilEnded(id)).toMatchObject({ state: State.SUCCEEDED, error: undefined });
  const archive = (await downloadArchive(encrypted, id)).toString();
  expect(['blorpadashown', 'blorpeveshown'].map((name) => archive.includes(name))).toEqual([false, true]);
});
