import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { Caller } from '@rapport/platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changesOf } from './change-feeds.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;

// A service of its own: in a shared one, its first list once had an extra entry of unknown cause.
beforeAll(async () => {
  customers = await RunningCustomers.start();
});
afterAll(() => customers.stop());

const list = (caller: Caller, request: { cursor?: string; types?: string[]; fields?: string[] }) =>
  customers.call('listChanges', request, caller);

test('changes are filtered by type and field, and the cursor advances past skipped ones', async () => {
  const caller = newCaller();
  const { id } = await customers.create(caller, person());
  await customers.update(caller, id, { tags: ['a'] });
  await customers.update(caller, id, { jobTitle: 'Analyst' });
  await changesOf(customers, caller, 3);

  const tags = await list(caller, { fields: ['tags'] });
  const merges = await list(caller, { types: ['merge'] });
  await customers.update(caller, id, { tags: ['b'] });
  await changesOf(customers, caller, 4);

  expect(tags.changes.map(({ operation, type, changedFields }) => ({ operation, type, changedFields }))).toEqual([
    { operation: ChangeOperation.CREATE, type: 'customer', changedFields: [] },
    { operation: ChangeOperation.UPDATE, type: 'customer', changedFields: ['tags'] },
  ]);
  expect(merges.changes).toEqual([]);
  expect(await list(caller, { types: ['merge'], cursor: merges.nextCursor })).toMatchObject({ changes: [] });
  expect((await list(caller, { fields: ['tags'], cursor: tags.nextCursor })).changes).toMatchObject([
    { after: { tags: ['b'] } },
  ]);
});

test('removing or restoring a record matches every field filter', async () => {
  const caller = newCaller();
  const { id } = await customers.create(caller, person());
  await customers.update(caller, id, { jobTitle: 'Analyst' });
  await customers.delete(caller, id);
  await customers.call('undeleteCustomer', { id }, caller);
  const { id: kept } = await customers.create(caller, person());
  await customers.call('mergeCustomers', { id: kept, merge: { mergedId: id, preferMerged: [] } }, caller);

  const changes = await changesOf(customers, caller, 5, { types: ['customer'], fields: ['emails'] });

  expect(changes.map(({ operation, recordId }) => [ChangeOperation[operation], recordId])).toEqual([
    ['CREATE', id],
    ['DELETE', id],
    ['UNDELETE', id],
    ['CREATE', kept],
    ['MERGE', id],
  ]);
});
