import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { newKeys, type Keys } from './databases.js';
import { csvOf, encryptedImportOptions, EncryptedImports, marked, untilWritten } from './encrypted-imports.js';
import { someone, type EncryptedTenant } from './encrypted-tenant.js';
import type { OperationTenant } from './operation-tenant.js';
import { RunningCustomers } from './running-customers.js';

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

test('an erasure of a person destroys the keys of stored files and reports, and imports can still be undone', async () => {
  await encrypted.encrypt();
  const ended = await tenant.run(csvOf(marked('vexlund', 20), 'vexlund'));
  const known = await encrypted.create(someone('vexknown'));
  const paused = await imports.pausedImport(known, 'vexpaused');
  const waiting = await tenant.createImport();
  await tenant.upload(waiting.id, ['vexlund half'], { complete: false });
  const subjects = [await imports.fileKeyOf(paused.id), await imports.fileKeyOf(waiting.id)];
  for (const { id } of [ended, paused, waiting]) subjects.push(await imports.reportKeyOf(id));
  const [gone, changed] = await encrypted.find('given_name = "vexlund3xgiven" OR given_name = "vexlund4xgiven"');

  await encrypted.erase(gone!);

  await expect.poll(() => imports.areDestroyed(subjects)).toEqual(Array(5).fill(true));
  for (const { id } of [paused, waiting]) {
    expect(await tenant.get(id)).toMatchObject({ state: State.FAILED, error: { reason: 'IMPORT_ERASED' } });
    const resumed = customers.call('resumeOperation', { id }, tenant.caller);
    await expect(resumed).rejects.toMatchObject({ reason: 'OPERATION_STATE' });
  }
  await tenant.untilCleared();
  const [issue] = await imports.issuesOf(ended.id);
  expect(issue).toMatchObject({ message: '***', field: '***' });
  expect((await tenant.get(ended.id)).columns[1]).toMatchObject({ column: '***', field: 'displayName' });
  await customers.update(tenant.caller, changed!, { jobTitle: 'Countess' });
  expect(await tenant.undo(ended.id)).toMatchObject({ state: State.UNDONE, counts: { undone: 18 } });
  expect((await imports.issuesOf(ended.id)).at(-1)).toMatchObject({
    ...{
      reason: 'CHANGED_SINCE',
      customerId: changed,
      message: 'The customer was changed after the import and stays.',
    },
  });
  expect(await tenant.run(csvOf(marked('vexagain', 3), 'vexagain'))).toMatchObject({ state: State.SUCCEEDED });
});

test('undo leaves a customer whose former values an erasure removed', async () => {
  await encrypted.encrypt();
  const [kept, twin] = [await encrypted.create(someone('morrowkept')), await encrypted.create(someone('morrowtwin'))];
  const merge = { mergedId: twin.id, preferMerged: [] };
  const merged = await customers.call('mergeCustomers', { id: kept.id, merge }, tenant.caller);
  await customers.call('unmergeCustomers', { id: merged.merge!.id }, tenant.caller);
  const { id } = await tenant.run(`email,job title\n${kept.emails[0]!.address},Countess\nnew@x.example,Poet\n`);
  await encrypted.erase(twin.id);

  expect(await tenant.undo(id)).toMatchObject({ state: State.UNDONE, counts: { undone: 1, issues: 1 } });
  expect(await imports.issuesOf(id)).toMatchObject([
    { reason: 'CHANGED_SINCE', message: 'An erasure removed former values of the customer, so it stays.' },
  ]);
  expect(await customers.get(tenant.caller, kept.id)).toMatchObject({
    givenName: 'morrowkeptgiven',
    jobTitle: 'Countess',
  });
});

test('an erasure during an import ends it, and its completed rows can be undone', async () => {
  await encrypted.encrypt();
  const [known, other] = [await encrypted.create(someone('hexknown')), await encrypted.create(someone('hexother'))];
  const { id, held, releaseLast } = await imports.waitingImport(known, 'hexrow');

  const erasing = untilWritten(() => encrypted.erase(other.id));
  await held.untilWaiting(2);
  await held.release();
  await erasing;
  await releaseLast();

  const ended = await tenant.untilEnded(id);
  expect(ended).toMatchObject({ state: State.FAILED, error: { reason: 'IMPORT_ERASED' }, counts: { rows: 60 } });
  await tenant.untilCleared();
  expect(await tenant.undo(id)).toMatchObject({ state: State.UNDONE, counts: { undone: 60 } });
});
