import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { File, UpdateFileRequest } from '@rapport/contracts/rapport/content/v1/files_service';
import { File as FileMessage } from '@rapport/contracts/rapport/content/v1/files_service';
import { changesOf } from './change-feeds.js';
import { FilesTenant } from './files-tenant.js';
import { person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: FilesTenant;
let record: string;

beforeEach(async () => {
  tenant = await FilesTenant.create(customers);
  record = `customers/${(await customers.create(tenant.caller, person())).id}`;
});
afterEach(() => tenant.close());

function rename(id: string, name: string, request: Partial<UpdateFileRequest> = {}): Promise<File> {
  const file = { ...FileMessage.decode(new Uint8Array()), name };
  return customers.call('updateFile', { id, file, updateMask: ['name'], ...request }, tenant.caller);
}

test('renaming a file changes nothing else', async () => {
  const file = await tenant.addFile(record, 'x', { name: 'draft.txt' });
  const caller = { ...tenant.caller, principalId: 'user:019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11' };
  const body = { ...FileMessage.decode(new Uint8Array()), name: '../of\u202efer.txt' };

  const renamed = await customers.call('updateFile', { id: file.id, file: body, updateMask: ['name'] }, caller);

  const { updateTime } = renamed;
  expect(renamed).toEqual({ ...file, name: 'offer.txt', etag: '"2"', updateTime, updatedBy: caller.principalId });
  expect(updateTime! > file.updateTime!).toBe(true);
  expect(await customers.call('getFile', { id: file.id }, tenant.caller)).toEqual(renamed);
  expect(await rename(file.id, 'offer.txt')).toEqual(renamed);
  const [, change] = await changesOf(customers, tenant.caller, 2, { types: ['file'] });
  expect(change).toMatchObject({ operation: ChangeOperation.UPDATE, changedFields: ['name'] });
  expect([change!.before, change!.after]).toMatchObject([{ name: 'draft.txt' }, { name: 'offer.txt' }]);
});

test('a rename to an empty name, of another field, or with a stale etag is refused', async () => {
  const { id } = await tenant.addFile(record, 'x');
  await expect(rename(id, '..')).rejects.toMatchObject({
    violations: [{ field: 'file.name', reason: 'FILE_NAME_EMPTY' }],
  });
  await expect(rename(id, 'a', { updateMask: ['record'] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(rename(id, 'a', { etag: '"7"' })).rejects.toMatchObject({ code: 'ABORTED', reason: 'ETAG_MISMATCH' });
  await customers.call('deleteFile', { id }, tenant.caller);
  await expect(rename(id, 'a')).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'FILE_NOT_FOUND' });
});

test('a deleted file is listed on request only, and is restored unchanged', async () => {
  const file = await tenant.addFile(record, 'kept');
  const deleted = await customers.call('deleteFile', { id: file.id }, tenant.caller);
  expect(deleted).toMatchObject({ id: file.id, etag: '"2"', deleteTime: deleted.updateTime });

  expect(await tenant.filesOf(record)).toEqual([]);
  const listed = await customers.call('listFiles', { record, showDeleted: true }, tenant.caller);
  expect(listed.files).toEqual([deleted]);
  for (const attempt of [
    () => customers.call('getFile', { id: file.id }, tenant.caller),
    () => customers.call('deleteFile', { id: file.id }, tenant.caller),
    () => tenant.download(file.id),
  ]) {
    await expect(attempt()).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'FILE_NOT_FOUND' });
  }

  const restored = await customers.call('undeleteFile', { id: file.id }, tenant.caller);

  const { updateTime } = restored;
  expect(restored).toEqual({ ...file, etag: '"3"', updateTime });
  expect((await tenant.download(file.id)).toString()).toBe('kept');
  await expect(customers.call('undeleteFile', { id: file.id }, tenant.caller)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'FILE_NOT_DELETED',
  });
  const changes = await changesOf(customers, tenant.caller, 3, { types: ['file'] });
  expect(changes.map(({ operation }) => operation)).toEqual([
    ChangeOperation.CREATE,
    ChangeOperation.DELETE,
    ChangeOperation.UNDELETE,
  ]);
});

test('a deleted file and its bytes are removed after 30 days, unless it was restored or another file shares them', async () => {
  const files = [await tenant.addFile(record, 'same'), await tenant.addFile(record, 'same')];
  const [alone, back] = [await tenant.addFile(record, 'alone'), await tenant.addFile(record, 'back again')];
  for (const { id } of [files[0]!, alone, back]) await customers.call('deleteFile', { id }, tenant.caller);
  await customers.call('undeleteFile', { id: back.id }, tenant.caller);
  // A worker removes the bytes of the second of two equal ones.
  await expect.poll(() => tenant.storedBytes()).toEqual({ stored: 19, counted: 19 });

  await passDays(tenant, 30);

  await expect.poll(() => tenant.storedBytes(), { timeout: 20_000 }).toEqual({ stored: 14, counted: 14 });
  await expect(customers.call('undeleteFile', { id: alone.id }, tenant.caller)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  expect((await tenant.download(files[1]!.id)).toString()).toBe('same');
  expect((await tenant.download(back.id)).toString()).toBe('back again');
});

test('a deleted file can be removed at once', async () => {
  const { id } = await tenant.addFile(record, 'x');
  await customers.call('deleteFile', { id }, tenant.caller);

  await customers.call('deleteFile', { id, permanent: true }, tenant.caller);

  await expect.poll(() => tenant.storedBytes()).toEqual({ stored: 0, counted: 0 });
  await expect(customers.call('undeleteFile', { id }, tenant.caller)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('the deletion of a file is logged once, with or without a later removal, and the audit has both', async () => {
  const [first, second] = [await tenant.addFile(record, 'x'), await tenant.addFile(record, 'y')];
  await customers.call('deleteFile', { id: first.id }, tenant.caller);
  await customers.call('deleteFile', { id: first.id, permanent: true }, tenant.caller);
  await customers.call('deleteFile', { id: second.id, permanent: true }, tenant.caller);

  const changes = await changesOf(customers, tenant.caller, 4, { types: ['file'] });
  const { CREATE, DELETE } = ChangeOperation;
  expect(changes.map(({ recordId, operation }) => [recordId, operation])).toEqual([
    [first.id, CREATE],
    [second.id, CREATE],
    [first.id, DELETE],
    [second.id, DELETE],
  ]);
  expect(changes[3]).toMatchObject({ version: 2, before: { record, name: second.name, sizeBytes: 1 } });
  const { entries } = await customers.call('listAuditEntries', { record: `file/${first.id}` }, tenant.caller);
  expect(entries.map(({ kind }) => kind).toSorted()).toEqual(['CHANGE', 'CHANGE', 'FILE_REMOVAL']);
});

/** Simulates files that were deleted this many days earlier. */
async function passDays({ database }: FilesTenant, days: number): Promise<void> {
  await database.query('update file set delete_time = delete_time - make_interval(days => $1)', [days]);
  await database.query('update operation_job set due_time = due_time - make_interval(days => $1)', [days]);
}
