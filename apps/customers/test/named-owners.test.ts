import type { FindOwnersRequest, FindUsersRequest, FoundUser } from '@rapport/contracts/rapport/auth/v1/users_service';
import { BatchMode } from '@rapport/contracts/rapport/api/v1/records';
import { SplitKind } from '@rapport/contracts/rapport/sales/v1/deal';
import { AppError, type Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AuthClient } from '../src/engine/records/scope/known-owners.js';
import { ImportTenant, issues, rowsOf } from './import-tenant.js';
import { MergingTenant } from './merging-tenant.js';
import { readPage } from './public-pages.js';
import { customerOf, newCaller, person, RunningCustomers } from './running-customers.js';
import { deal, SalesTenant } from './sales-tenant.js';

/** The users that auth says exist. `tools/test/record-owners.test.ts` has the real auth. */
const users = new Set<string>();
/** Those with names. */
const called: FoundUser[] = [];
let calls = 0;

/** Resolves when auth answers, and rejects when it fails. */
let answering: Promise<void> = Promise.resolve();

const auth: AuthClient = {
  unary: async (_, request) => {
    calls += 1;
    await answering;
    const { names } = request as FindUsersRequest;
    if ('principalId' in (request as object)) return { permissions: ['meetings.read', 'tasks.read'], hidesPii: false };
    if (names)
      return {
        users: called.filter(({ email, displayName }) => [email, displayName].some((each) => names.includes(each))),
      };
    const principalIds = (request as FindOwnersRequest).ids.filter((id) => users.has(id));
    return { principalIds, teamIds: [] };
  },
  close: () => undefined,
};

/** How much later it is for the service than it really is, in milliseconds. */
let passedMs = 0;
const now = performance.now.bind(performance);
vi.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);

let service: RunningCustomers;
let caller: Caller;

beforeAll(async () => {
  // A service of its own, because those of other tests have no auth.
  service = await RunningCustomers.start({ auth });
});
afterAll(() => service.stop());
beforeEach(() => {
  caller = newCaller();
});

function newUser(): string {
  const id = v7();
  users.add(id);
  return id;
}

const refused = (field: string) => ({ violations: [{ field, reason: 'USER_NOT_FOUND' }] });

test('a write that names a known owner takes no call of auth', async () => {
  const ownerId = newUser();
  const atFirst = calls;
  await service.create(caller, person({ ownerId }));
  const before = calls;
  expect(before).toBe(atFirst + 1);

  const { id } = await service.create(caller, person({ ownerId }));
  await service.update(caller, id, { ownerId: undefined });
  await service.update(caller, id, { ownerId });
  await service.create(caller, person({ ownerId: caller.principalId.slice('apiKey:'.length) }));

  expect(calls).toBe(before);
});

test('while auth hangs, creates with one owner share one call and are made once it has failed, and others do not wait', async () => {
  const ownerId = v7();
  const { promise, reject } = Promise.withResolvers<void>();
  answering = promise;
  const before = calls;

  const creates = [caller, caller, caller].map((by) => service.create(by, person({ ownerId })));
  await vi.waitFor(() => expect(calls).toBe(before + 1));
  await service.create(caller, person({}));
  await service.create(newCaller(), person({}));
  reject(new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'Away.'));

  expect(await Promise.all(creates)).toMatchObject([{ ownerId }, { ownerId }, { ownerId }]);
  // It is not asked again at once.
  expect(await service.create(newCaller(), person({ ownerId }))).toMatchObject({ ownerId });
  expect(calls).toBe(before + 1);
  answering = Promise.resolve();
  passedMs += 5_001;
});

test('a batch of 1,000 rows takes one call, and refuses only the rows with unknown owners', async () => {
  const unknown = v7();
  const ownerIds = Array.from({ length: 999 }, newUser);
  const items = [...ownerIds, unknown].map((ownerId) => ({ customer: customerOf(person({ ownerId })) }));
  const before = calls;

  const { results } = await service.call(
    'batchCreateCustomers',
    { batch: { items, mode: BatchMode.PER_ITEM } },
    caller,
  );

  expect(results.filter(({ customer }) => customer)).toHaveLength(999);
  expect(results.at(-1)?.problem).toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'customer.ownerId', reason: 'USER_NOT_FOUND' }],
  });
  expect(calls).toBe(before + 1);
});

test('an import leaves out owners that do not exist', async () => {
  const tenant = await ImportTenant.create(service, caller);
  const [ownerId, unknown] = [newUser(), v7()];
  const rows = [ownerId, unknown].map((owner_id, index) => ({ name: `P${index}`, owner_id }));

  const answer = await tenant.importFile(rowsOf(rows));
  await tenant.close();

  expect(answer).toMatchObject({ created: 2, failed: 0 });
  expect(issues(answer)).toEqual([[2, 'USER_NOT_FOUND', 'ownerId']]);
  const { customers } = await service.call('listCustomers', { orderBy: 'displayName' }, caller);
  expect(customers.map((each) => each.ownerId)).toEqual([ownerId, undefined]);
});

test('an import names owners by e-mail address, or by a name that one user has', async () => {
  const tenant = await ImportTenant.create(service, caller);
  const [mara, jo, joToo] = [newUser(), newUser(), newUser()];
  called.push(
    { id: mara, email: 'mara@example.com', displayName: 'Mara' },
    { id: jo, email: 'jo@example.com', displayName: 'Jo' },
    { id: joToo, email: 'jo.too@example.com', displayName: 'Jo' },
  );
  const rows = ['mara@example.com', 'Mara', 'Jo', 'gone@example.com'].map((owner, index) => ({
    name: `P${index}`,
    'Contact owner': owner,
  }));

  const answer = await tenant.importFile(rowsOf(rows));
  await tenant.close();

  expect(answer).toMatchObject({ created: 4, failed: 0 });
  expect(issues(answer)).toEqual([
    [3, 'USER_NOT_FOUND', 'ownerId'],
    [4, 'USER_NOT_FOUND', 'ownerId'],
  ]);
  const { customers } = await service.call('listCustomers', { orderBy: 'displayName' }, caller);
  expect(customers.map((each) => each.ownerId)).toEqual([mara, mara, undefined, undefined]);
});

test('an import that names owners fails while auth does not answer', async () => {
  const tenant = await ImportTenant.create(service, caller);
  const { promise, reject } = Promise.withResolvers<void>();
  answering = promise;
  const before = calls;

  const importing = tenant.importFile(rowsOf([{ name: 'P', owner: 'mara@example.com' }]));

  await vi.waitFor(() => expect(calls).toBe(before + 1));
  reject(new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'Away.'));
  await expect(importing).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  answering = Promise.resolve();
  await tenant.close();
  expect((await service.call('listCustomers', {}, caller)).customers).toEqual([]);
});

describe('an owner that is gone', () => {
  let ownerId: string;
  let tenant: SalesTenant;
  /** Makes records of the owner, who is deleted afterwards. */
  const ofOwner = async <Made>(make: () => Promise<Made>): Promise<Made> => {
    users.add(ownerId);
    const made = await make();
    users.delete(ownerId);
    passedMs += 61_000;
    return made;
  };

  beforeEach(() => {
    ownerId = v7();
    tenant = new SalesTenant(service, caller);
  });

  test('is given no further record', async () => {
    await ofOwner(() => service.create(caller, person({ ownerId })));
    const { id } = await service.create(caller, person({}));

    await expect(service.create(caller, person({ ownerId }))).rejects.toMatchObject(refused('customer.ownerId'));
    await expect(service.update(caller, id, { ownerId })).rejects.toMatchObject(refused('customer.ownerId'));
  });

  test('keeps a record that is written whole, deleted and restored', async () => {
    const { id } = await ofOwner(() => service.create(caller, person({ ownerId })));

    await service.update(caller, id, { ownerId, jobTitle: 'Countess' });
    await service.delete(caller, id);
    await service.call('undeleteCustomer', { id }, caller);
    const items = [
      {
        id,
        customer: customerOf({ ownerId, jobTitle: 'Analyst' }),
        updateMask: ['ownerId', 'jobTitle'],
        etag: undefined,
      },
    ];
    await service.call('batchUpdateCustomers', { batch: { items, mode: BatchMode.ATOMIC } }, caller);

    expect(await service.get(caller, id)).toMatchObject({ ownerId, jobTitle: 'Analyst' });
  });

  test('owns what is copied from its records: the deal of a lead, the copy of a deal', async () => {
    const { id: customerId } = await service.create(caller, person({}));
    const pipeline = await tenant.createPipeline();
    const [made, source] = await ofOwner(async () => [
      await tenant.createLead(customerId, { ownerId }),
      await tenant.createDeal(pipeline, {
        ownerId,
        splits: [{ ownerId, share: '100', kind: SplitKind.REVENUE, amount: undefined }],
      }),
    ]);

    const qualification = { deal: deal({ pipelineId: pipeline.id }), dealId: undefined };
    const qualified = await service.call('qualifyLead', { id: made.id, qualification }, caller);
    const clone = { set: undefined, updateMask: [], pipelineId: undefined, stage: undefined };
    const copy = await service.call('cloneDeal', { id: source.id, clone }, caller);

    expect(qualified.deal).toMatchObject({ ownerId });
    expect(copy).toMatchObject({ ownerId, splits: [{ ownerId }] });
    const given = { ...qualification, deal: deal({ pipelineId: pipeline.id, ownerId: v7() }) };
    const { id } = await tenant.createLead(customerId);
    await expect(service.call('qualifyLead', { id, qualification: given }, caller)).rejects.toMatchObject(
      refused('qualification.deal.ownerId'),
    );
  });

  test('gets its records back when merges of them are undone', async () => {
    const [one, other] = await ofOwner(async () => [
      await service.create(caller, person({})),
      await service.create(caller, person({ ownerId })),
    ]);

    const merging = new MergingTenant(service, caller);
    const { customer, record } = await merging.merge(one.id, other.id);
    expect(customer).toMatchObject({ ownerId });
    await merging.unmerge(record.id);

    expect((await service.get(caller, one.id)).ownerId).toBeUndefined();
    expect(await service.get(caller, other.id)).toMatchObject({ ownerId });
  });
});

test('a calendar feed is shown by the rights of its owner, and not while auth does not report them', async () => {
  const { path } = await service.call('createCalendarFeed', {}, caller);
  const token = path.slice('/cal/'.length, -'.ics'.length);
  expect((await readPage(service, 'showCalendarFeed', { token })).text).toContain('BEGIN:VCALENDAR');
  const { promise, reject } = Promise.withResolvers<void>();
  const asked = calls;
  answering = promise;
  const refused = expect(readPage(service, 'showCalendarFeed', { token })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
  await vi.waitUntil(() => calls > asked);
  reject(new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'The service is away.'));
  await refused;
  answering = Promise.resolve();
});
