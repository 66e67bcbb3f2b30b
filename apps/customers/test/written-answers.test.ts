import type { Caller } from '@rapport/platform';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type pg from 'pg';
import { JsonReads } from './json-reads.js';
import { newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();
const json = new JsonReads(customers);

let caller: Caller;
let superuser: pg.Client;

beforeAll(async () => {
  superuser = await customers.connectAsSuperuser();
});
afterAll(() => superuser.end());
beforeEach(async () => {
  caller = newCaller();
  await json.untilStreamed();
});

test('a page has the same JSON whether its records are known or not', async () => {
  const names = ['Ada', 'Grace \ud83d\ude00 "Hopper"', 'Ål\u2028', 'Zoe'];
  for (const displayName of names)
    await customers.create(
      caller,
      person({ displayName, tags: ['vip'], phones: [{ number: '+4930123456', label: undefined }] }),
    );
  for (const request of [
    {},
    { pageSize: 2 },
    { pageSize: 2, orderBy: 'display_name' },
    { orderBy: 'lifecycle_stage, display_name' },
    { q: 'ada' },
    { q: 'nobody' },
    { filter: 'tags:vip', total: 3 },
    { showDeleted: true },
  ]) {
    await json.expectSameLists(caller, request);
  }
  const { nextPageToken } = await customers.call('listCustomers', { pageSize: 2 }, caller);
  await json.expectSameLists(caller, { pageSize: 2, pageToken: nextPageToken });
});

test('a known record is read again after each write, also one that keeps its version', async () => {
  const { id } = await customers.create(caller, person());
  await json.expectSameLists(caller, {});
  await json.expectSameRecord(caller, id);

  await customers.update(caller, id, { displayName: 'Ada King' });
  expect(await json.get(caller, id)).toContain('Ada King');
  expect(await json.list(caller, {})).toContain('Ada King');

  await superuser.query(`update customer set display_name = 'Countess' where id = $1`, [id]);
  expect(await json.get(caller, id)).toContain('Countess');
  expect(await json.list(caller, {})).toContain('Countess');
  await json.expectSameRecord(caller, id);
  await json.expectSameLists(caller, {});

  await customers.delete(caller, id);
  await expect(json.get(caller, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await json.list(caller, {})).toBe('{"customers":[]}');
});

test('a known record is shown only to its tenant, to its scope, and without what is hidden', async () => {
  const { id } = await customers.create(
    caller,
    person({ displayName: 'Ada', emails: [{ address: 'ada@example.com', label: undefined }] }),
  );
  await json.expectSameRecord(caller, id);
  await json.expectSameLists(caller, {});

  await expect(json.get(newCaller(), id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const narrow = { ...caller, recordScope: 'OWN' as const, principalId: 'user:0194a000-0000-7000-8000-000000000001' };
  await expect(json.get(narrow, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await json.list(narrow, {})).toBe('{"customers":[]}');

  const hiding = { ...caller, hidesPii: true };
  expect(await json.get(hiding, id)).not.toContain('ada@example.com');
  expect(await json.list(hiding, {})).not.toContain('ada@example.com');
  await json.expectSameRecord(hiding, id);
  await json.expectSameLists(hiding, {});
});

test('an answer with some fields only has no others of known records', async () => {
  const { id } = await customers.create(caller, person({ displayName: 'Ada', tags: ['vip'] }));
  await json.expectSameRecord(caller, id);
  await json.expectSameLists(caller, {});
  expect(await json.list(caller, { readMask: ['display_name'] })).not.toContain('vip');
});
