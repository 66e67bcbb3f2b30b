import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { createOrm, tenantSession } from '@rapport/persistence';
import type { Caller } from '@rapport/platform';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { moment } from './moment.js';
import { newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

const asOf = (caller: Caller, id: string, time: Date) =>
  customers.call('getCustomer', { id, asOf: time.toISOString() }, caller);

/** The actions of `randomEdit`. */
const seed = 20_261_125;

test('a customer reads back as of each of many random edits, even after its deletion', async () => {
  const caller = newCaller();
  const { id } = await customers.create(caller, person({ tags: ['new'] }));
  const remembered: { time: Date; customer: Customer | undefined }[] = [];
  const remember = async () => {
    const customer = await customers.get(caller, id).catch(() => undefined);
    remembered.push({ time: await moment(), customer });
  };
  await remember();
  for (const [edit, choice] of fc.sample(fc.nat(), { seed, numRuns: 25 }).entries()) {
    await randomEdit(caller, id, edit, choice);
    await remember();
  }
  await customers.delete(caller, id).catch(() => undefined);
  await remember();
  await purge(caller, id);

  const read = await Promise.all(remembered.map(async ({ time }) => asOf(caller, id, time).catch(() => undefined)));

  expect(read).toEqual(remembered.map(({ customer }) => customer));
  expect(remembered.filter(({ customer }) => customer === undefined).length).toBeGreaterThan(0);
  await expect(asOf(caller, id, await moment())).rejects.toMatchObject({ code: 'NOT_FOUND' });
}, 30_000);

test('at the time of a change, and at its own update time, a customer has the result of the change', async () => {
  const caller = newCaller();
  const states = [await customers.create(caller, person())];
  const { id } = states[0]!;
  for (const jobTitle of ['a', 'b', 'c']) {
    await moment();
    states.push(await customers.update(caller, id, { jobTitle }));
  }
  await moment();
  const { deleteTime } = await customers.delete(caller, id);

  for (const state of states) expect(await asOf(caller, id, new Date(state.updateTime ?? ''))).toEqual(state);
  const { changes } = await customers.call('listCustomerHistory', { id }, caller);
  const shown = changes.filter(({ version }) => version <= states.length).toReversed();
  expect(shown).toHaveLength(states.length);
  for (const [index, { time }] of shown.entries()) {
    expect(await asOf(caller, id, new Date(time ?? ''))).toEqual(states[index]);
  }
  await expect(asOf(caller, id, new Date(deleteTime ?? ''))).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a merged customer reads back as before the merge', async () => {
  const caller = newCaller();
  const [kept, merged] = [await customers.create(caller, person()), await customers.create(caller, person())];
  const before = await moment();
  await customers.call('mergeCustomers', { id: kept.id, merge: { mergedId: merged.id, preferMerged: [] } }, caller);

  expect(await asOf(caller, merged.id, before)).toEqual(merged);
  await expect(asOf(caller, merged.id, await moment())).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('the history of a customer lists its changes, newest first, page by page', async () => {
  const caller = newCaller();
  const { id } = await customers.create(caller, person());
  for (const jobTitle of ['a', 'b', 'c']) await customers.update(caller, id, { jobTitle });
  await customers.delete(caller, id);

  const first = await customers.call('listCustomerHistory', { id, pageSize: 3 }, caller);
  const second = await customers.call(
    'listCustomerHistory',
    { id, pageSize: 3, pageToken: first.nextPageToken },
    caller,
  );

  expect(first.changes.map(({ version }) => version)).toEqual([5, 4, 3]);
  expect(second.changes.map(({ version }) => version)).toEqual([2, 1]);
  expect(second.nextPageToken).toBeUndefined();
  expect(first.changes[1]).toMatchObject({
    operation: ChangeOperation.UPDATE,
    before: { jobTitle: 'b' },
    after: { jobTitle: 'c' },
  });
  expect(new Date(first.oldestTime ?? '').getTime()).toBeLessThan(Date.now());
});

test('the history of a customer that is unknown, or of another tenant, is NOT_FOUND', async () => {
  const { id } = await customers.create(newCaller(), person());
  for (const unknown of [id, v7()]) {
    await expect(customers.call('listCustomerHistory', { id: unknown }, newCaller())).rejects.toMatchObject({
      code: 'NOT_FOUND',
      reason: 'CUSTOMER_NOT_FOUND',
    });
    await expect(asOf(newCaller(), unknown, new Date())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }
});

test('a future time is refused, and the error for one before the log has the oldest time', async () => {
  const caller = newCaller();
  const { id } = await customers.create(caller, person());

  await expect(asOf(caller, id, new Date(Date.now() + 60_000))).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'asOf' }],
  });
  const expired = await asOf(caller, id, new Date('2020-01-01')).catch((error: unknown) => error);
  expect(expired).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'HISTORY_EXPIRED' });
  const { oldestTime } = (expired as { metadata: Record<string, string> }).metadata;
  expect(new Date(oldestTime ?? '').getTime()).toBeLessThan(Date.now());
});

async function randomEdit(caller: Caller, id: string, edit: number, choice: number): Promise<void> {
  const edits = [
    () => customers.update(caller, id, { givenName: `Ada ${edit}`, familyName: edit % 2 ? 'Lovelace' : undefined }),
    () => customers.update(caller, id, { emails: [{ address: `ada${edit}@example.com`, label: 'work' }] }),
    () => customers.update(caller, id, { emails: [], birthDate: '1815-12-10' }),
    () =>
      customers.update(caller, id, { addresses: [{ city: `City ${edit}`, countryCode: 'GB' }], tags: [`t${edit}`] }),
    () => customers.update(caller, id, { lifecycleStage: edit % 2 ? 2 : 0 }),
    () => customers.delete(caller, id),
    () => customers.call('undeleteCustomer', { id }, caller),
  ];
  // An impossible edit, such as one of a deleted customer, has no effect.
  await edits[choice % edits.length]?.().catch(() => undefined);
}

async function purge(caller: Caller, id: string): Promise<void> {
  const orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
  await orm.em.fork({ session: tenantSession(caller.tenantId) }).execute('delete from customer where id = ?', [id]);
  await orm.close();
}
