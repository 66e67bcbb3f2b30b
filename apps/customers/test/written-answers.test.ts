import { AnswerForm, JsonCodec, type ContractClient } from '@rapport/contracts';
import { ListCustomersRequest, GetCustomerRequest } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { metrics, type Caller } from '@rapport/platform';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type pg from 'pg';
import { methodDescriptor } from '../src/engine/values/contract.js';
import { newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();
const service = '/rapport.customers.v1.CustomersService';

let caller: Caller;
let superuser: pg.Client;

beforeAll(async () => {
  superuser = await customers.connectAsSuperuser();
});
afterAll(() => superuser.end());
beforeEach(async () => {
  caller = newCaller();
  // Only calls over a stream are answered with JSON.
  const streams = async () => (await metrics.getSingleMetric('rapport_call_streams')?.get())?.values[0]?.value;
  await expect.poll(() => list(newCaller(), {}).then(streams)).toBeGreaterThan(0);
});

function json(as: Caller, method: string, request: object): Promise<string> {
  const options: Parameters<ContractClient['json']>[2] = { context: customers.outgoing(as), deadlineMs: 20_000 };
  return customers.streams
    .json(`${service}/${method}`, request, options, AnswerForm.JSON)
    .then(([answer]) => String(answer?.text));
}

function list(as: Caller, request: Partial<ListCustomersRequest>): Promise<string> {
  return json(as, 'ListCustomers', { ...ListCustomersRequest.decode(new Uint8Array()), ...request });
}

function get(as: Caller, id: string): Promise<string> {
  return json(as, 'GetCustomer', { ...GetCustomerRequest.decode(new Uint8Array()), id });
}

/** The JSON of the answer in protobuf. */
function textOf(method: string, answer: object): string {
  return JsonCodec.of(methodDescriptor(`${service}/${method}`).output, new Map()).toText({ ...answer });
}

/** Reads again and again: the first answer writes what the next ones know. */
async function expectSameLists(request: Partial<ListCustomersRequest>, as = caller): Promise<void> {
  const wanted = textOf('ListCustomers', await customers.call('listCustomers', request, as));
  for (let read = 0; read < 3; read += 1) expect(await list(as, request)).toBe(wanted);
}

async function expectSameRecord(id: string, as = caller): Promise<void> {
  const wanted = textOf('GetCustomer', await customers.get(as, id));
  for (let read = 0; read < 3; read += 1) expect(await get(as, id)).toBe(wanted);
}

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
    await expectSameLists(request);
  }
  const { nextPageToken } = await customers.call('listCustomers', { pageSize: 2 }, caller);
  await expectSameLists({ pageSize: 2, pageToken: nextPageToken });
});

test('a known record is read again after each write, also one that keeps its version', async () => {
  const { id } = await customers.create(caller, person());
  await expectSameLists({});
  await expectSameRecord(id);

  await customers.update(caller, id, { displayName: 'Ada King' });
  expect(await get(caller, id)).toContain('Ada King');
  expect(await list(caller, {})).toContain('Ada King');

  await superuser.query(`update customer set display_name = 'Countess' where id = $1`, [id]);
  expect(await get(caller, id)).toContain('Countess');
  expect(await list(caller, {})).toContain('Countess');
  await expectSameRecord(id);
  await expectSameLists({});

  await customers.delete(caller, id);
  await expect(get(caller, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await list(caller, {})).toBe('{"customers":[]}');
});

test('a known record is shown only to its tenant, to its scope, and without what is hidden', async () => {
  const { id } = await customers.create(
    caller,
    person({ displayName: 'Ada', emails: [{ address: 'ada@example.com', label: undefined }] }),
  );
  await expectSameRecord(id);
  await expectSameLists({});

  await expect(get(newCaller(), id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const narrow = { ...caller, recordScope: 'OWN' as const, principalId: 'user:0194a000-0000-7000-8000-000000000001' };
  await expect(get(narrow, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await list(narrow, {})).toBe('{"customers":[]}');

  const hiding = { ...caller, hidesPii: true };
  expect(await get(hiding, id)).not.toContain('ada@example.com');
  expect(await list(hiding, {})).not.toContain('ada@example.com');
  await expectSameRecord(id, hiding);
  await expectSameLists({}, hiding);
});

test('an answer with some fields only has no others of known records', async () => {
  const { id } = await customers.create(caller, person({ displayName: 'Ada', tags: ['vip'] }));
  await expectSameRecord(id);
  await expectSameLists({});
  expect(await list(caller, { readMask: ['display_name'] })).not.toContain('vip');
});
