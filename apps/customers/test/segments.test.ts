import { SegmentKind, SegmentState } from '@rapport/contracts/rapport/marketing/v1/segment';
import { beforeEach, describe, expect, test } from 'vitest';
import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { callContext } from '@rapport/platform';
import { differencesOfPage } from '../src/domain/segments/compiled-segment.js';
import { rowOnly } from '../src/engine/query/filter/condition.js';
import { defineField } from './custom-field-requests.js';
import { company, customerOf, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';
import { copyCustomer } from './seeded-tenant.js';
import { nodesOf, type Explained } from './query-plan.js';
import { SegmentTenant } from './segment-tenant.js';
import { superuserOf } from './superuser.js';

const service = await sharedCustomers();
let tenant: SegmentTenant;
beforeEach(() => {
  tenant = new SegmentTenant(service);
});

const change = (id: string, changes: Parameters<typeof customerOf>[0]) =>
  service.call(
    'updateCustomer',
    { id, customer: customerOf(changes), updateMask: Object.keys(changes) },
    tenant.caller,
  );

describe('a dynamic segment', () => {
  test('has the customers that meet its filter when it is created, and follows their changes', async () => {
    const ada = await tenant.createPerson({ tags: ['vip'] });
    const bob = await tenant.createPerson();
    const segment = await tenant.createSegment({ filter: 'tags = vip' });
    expect(segment).toMatchObject({ kind: SegmentKind.DYNAMIC, state: SegmentState.BUILDING, size: 0 });
    await tenant.expectMembers(segment.id, [ada]);
    await tenant.expectLive(segment.id);

    await change(bob, { tags: ['vip'] });
    await tenant.expectMembers(segment.id, [ada, bob]);
    await change(ada, { tags: [] });
    await tenant.expectMembers(segment.id, [bob]);
    const ended = (await tenant.membershipsOf(segment.id, true)).find(({ customerId }) => customerId === ada);
    expect(ended).toMatchObject({
      joinTime: expect.any(String) as string,
      joinPosition: expect.stringMatching(/^\d+$/) as string,
    });
    await service.call('deleteCustomer', { id: bob }, tenant.caller);
    await tenant.expectMembers(segment.id, []);
    await service.call('undeleteCustomer', { id: bob }, tenant.caller);
    await tenant.expectMembers(segment.id, [bob]);
    expect(await tenant.verify(segment.id)).toMatchObject({ equal: true, size: 1, missingIds: [], extraIds: [] });
    await expect.poll(async () => (await tenant.getSegment(segment.id)).size, { timeout: 60_000 }).toBe(1);
  });

  test('follows records that refer to customers, their companies, and other segments', async () => {
    const sales = new SalesTenant(service, tenant.caller);
    const firm = (await service.create(tenant.caller, company({ displayName: 'Engines' }))).id;
    const [ada, bob] = [await tenant.createPerson({ companyId: firm }), await tenant.createPerson()];
    const pipeline = await sales.createPipeline();
    const buyers = await tenant.createSegment({ filter: 'deals.status = OPEN' });
    const staff = await tenant.createSegment({ filter: 'company.displayName = engines' });
    const both = await tenant.createSegment({
      filter: `segmentMembers.segmentId = ${buyers.id}`,
      excludeSegmentIds: [staff.id],
    });
    const deal = await sales.createDeal(pipeline, { customerId: bob });
    await tenant.expectMembers(both.id, [bob]);
    await sales.updateDeal(deal.id, { customerId: ada });
    await tenant.expectMembers(buyers.id, [ada]);
    await tenant.expectMembers(staff.id, [ada]);
    await tenant.expectMembers(both.id, []);
    await change(firm, { displayName: 'Machines' });
    await tenant.expectMembers(both.id, [ada]);
    await service.call('deleteDeal', { id: deal.id }, tenant.caller);
    await tenant.expectMembers(both.id, []);
    for (const { id } of [buyers, staff, both]) expect(await tenant.verify(id)).toMatchObject({ equal: true });
  });

  test('follows time', async () => {
    await defineField(service, tenant.caller, 'renewal', Type.TIME);
    const soon = new Date(Date.now() + 3_000).toISOString();
    const ada = await tenant.createPerson({ customFields: { renewal: soon } });
    const due = await tenant.createSegment({ filter: 'customFields.renewal <= now' });
    const fresh = await tenant.createSegment({ filter: 'createTime > now-4s' });
    await tenant.expectMembers(fresh.id, [ada]);
    await tenant.expectMembers(due.id, [ada]);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(soon));
    await tenant.expectMembers(fresh.id, []);
    for (const { id } of [due, fresh]) expect(await tenant.verify(id)).toMatchObject({ equal: true });
  });

  test('follows time for more customers than one statement tests', async () => {
    await defineField(service, tenant.caller, 'renewal', Type.TIME);
    const renewal = new Date(Date.now() + 5_000).toISOString();
    await copyCustomer(service, await tenant.createPerson({ customFields: { renewal } }), 1_099);
    const { id } = await tenant.createSegment({ filter: 'customFields.renewal <= now' });
    await expect.poll(async () => (await tenant.getSegment(id)).size, { timeout: 60_000 }).toBe(1_100);

    expect(await tenant.verify(id)).toMatchObject({ equal: true });
  });

  test('is built again when its filter changes, and stays as it is while it is paused', async () => {
    const [ada, bob] = [await tenant.createPerson({ tags: ['a'] }), await tenant.createPerson({ tags: ['b'] })];
    const { id } = await tenant.createSegment({ filter: 'tags = a' });
    await tenant.expectMembers(id, [ada]);
    await tenant.updateSegment(id, { filter: 'tags = b' });
    await tenant.expectMembers(id, [bob]);
    await tenant.expectLive(id);
    for (const verb of ['pauseSegment', 'resumeSegment', 'rebuildSegment'] as const) {
      const stale = service.call(verb, { id, etag: '"1"' }, tenant.caller);
      await expect(stale).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    }
    expect(await service.call('pauseSegment', { id }, tenant.caller)).toMatchObject({ state: SegmentState.PAUSED });
    const other = await tenant.createSegment({ filter: 'tags = b' });
    await change(ada, { tags: ['b'] });
    await tenant.expectMembers(other.id, [ada, bob]);
    expect(await tenant.membersOf(id)).toEqual([bob]);
    await service.call('resumeSegment', { id }, tenant.caller);
    await tenant.expectMembers(id, [ada, bob]);
  });

  test('fails when its filter can no longer be applied, and lives again with another one', async () => {
    const ada = await tenant.createPerson({ tags: ['a'] });
    const { id } = await tenant.createSegment({ filter: 'tags = a' });
    await tenant.expectMembers(id, [ada]);
    await tenant.expectLive(id);
    const superuser = await superuserOf(service.urls.ownerUrl);
    await superuser.query(`update segment set filter = 'gone = 1', version = version + 1 where id = $1`, [id]);
    await superuser.end();
    await expect
      .poll(() => tenant.getSegment(id), { timeout: 60_000 })
      .toMatchObject({
        state: SegmentState.FAILED,
        stateReason: expect.stringContaining('gone is no field') as string,
      });
    await expect(tenant.verify(id)).rejects.toMatchObject({ reason: 'SEGMENT_FAILED' });
    expect(await tenant.membersOf(id)).toEqual([ada]);
    await tenant.updateSegment(id, { filter: 'tags = b' });
    await tenant.expectMembers(id, []);
    expect(await tenant.getSegment(id)).toMatchObject({ state: SegmentState.LIVE, stateReason: undefined });
  });

  test.each([
    [{ filter: undefined }, { field: 'segment.filter', reason: 'REQUIRED' }],
    [{ filter: 'plan = gold' }, { field: 'segment.filter', reason: 'FILTER_FIELD_UNKNOWN' }],
    [{ filter: 'segmentMembers.joinTime > now-7d' }, { field: 'segment.filter', reason: 'FILTER_FIELD_UNKNOWN' }],
    [{ filter: 'segmentMembers.segmentId:*' }, { field: 'segment.filter', reason: 'FILTER_VALUE_INVALID' }],
    [
      { filter: 'tags = a', excludeSegmentIds: [crypto.randomUUID()] },
      { field: 'segment.excludeSegmentIds', reason: 'SEGMENT_NOT_FOUND' },
    ],
    [
      { filter: 'tags = a', kind: SegmentKind.STATIC },
      { field: 'segment.filter', reason: 'NOT_ALLOWED' },
    ],
  ])('refuses %j', async (given, violation) => {
    await expect(tenant.createSegment(given)).rejects.toMatchObject({
      violations: [expect.objectContaining(violation)],
    });
  });

  test('does not name itself through others, and is not deleted while others name it', async () => {
    const one = await tenant.createSegment({ filter: 'tags = a' });
    const two = await tenant.createSegment({ filter: `NOT segmentMembers.segmentId = ${one.id}` });
    const violations = [expect.objectContaining({ field: 'segment.excludeSegmentIds', reason: 'SEGMENT_CYCLE' })];
    await expect(tenant.updateSegment(one.id, { excludeSegmentIds: [two.id] })).rejects.toMatchObject({ violations });
    const remove = (id: string) => service.call('deleteSegment', { id }, tenant.caller);
    await expect(remove(one.id)).rejects.toMatchObject({ reason: 'RECORD_IN_USE' });
    await remove(two.id);
    await remove(one.id);
  });
});

describe('a static segment', () => {
  test('has the members that calls add and remove, and follows merges and erasures', async () => {
    const [ada, bob, eve] = [await tenant.createPerson(), await tenant.createPerson(), await tenant.createPerson()];
    const { id, state } = await tenant.createSegment({ kind: SegmentKind.STATIC });
    expect(state).toBe(SegmentState.LIVE);
    const members = (customerIds: string[]) => ({ id, members: { customerIds } });
    const added = await service.call('addSegmentMembers', members([ada, bob, ada]), tenant.caller);
    expect(added).toEqual({ changedCount: 2, size: 2 });
    expect(await service.call('addSegmentMembers', members([bob]), tenant.caller)).toEqual({
      changedCount: 0,
      size: 2,
    });
    const unknown = crypto.randomUUID();
    await expect(service.call('addSegmentMembers', members([ada, unknown]), tenant.caller)).rejects.toMatchObject({
      violations: [expect.objectContaining({ field: 'members.customerIds[1]', reason: 'CUSTOMER_NOT_FOUND' })],
    });
    expect(await service.call('removeSegmentMembers', members([bob, eve]), tenant.caller)).toEqual({
      changedCount: 1,
      size: 1,
    });
    await service.call('mergeCustomers', { id: eve, merge: { mergedId: ada, preferMerged: [] } }, tenant.caller);
    await tenant.expectMembers(id, [ada, eve]);
    await service.call('eraseCustomer', { id: eve, erasure: { reason: 'asked for' } }, tenant.caller);
    await tenant.expectMembers(id, []);
    expect(await tenant.verify(id)).toMatchObject({ equal: true, size: 0 });
  });

  test('keeps its members if the segment has changed since it was read', async () => {
    const [ada, bob] = [await tenant.createPerson(), await tenant.createPerson()];
    const { id, etag } = await tenant.createSegment({ kind: SegmentKind.STATIC });
    const members = (customerIds: string[], read = etag) => ({ id, members: { customerIds }, etag: read });
    await service.call('addSegmentMembers', members([ada]), tenant.caller);

    for (const verb of ['addSegmentMembers', 'removeSegmentMembers'] as const) {
      const stale = service.call(verb, members([ada, bob]), tenant.caller);
      await expect(stale).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    }
    await tenant.expectMembers(id, [ada]);
    const current = await service.call('getSegment', { id }, tenant.caller);
    expect(await service.call('removeSegmentMembers', members([ada], current.etag), tenant.caller)).toEqual({
      ...{ changedCount: 1, size: 0 },
    });
  });

  test('is the only kind that members are added to', async () => {
    const { id } = await tenant.createSegment({ filter: 'tags = a' });
    const customerIds = [await tenant.createPerson()];
    await expect(
      service.call('addSegmentMembers', { id, members: { customerIds } }, tenant.caller),
    ).rejects.toMatchObject({
      reason: 'SEGMENT_NOT_STATIC',
    });
    const fixed = await tenant.createSegment({ kind: SegmentKind.STATIC });
    await expect(service.call('rebuildSegment', { id: fixed.id }, tenant.caller)).rejects.toMatchObject({
      reason: 'SEGMENT_NOT_DYNAMIC',
    });
  });
});

test('a snapshot keeps the members of a segment', async () => {
  const ada = await tenant.createPerson({ tags: ['a'] });
  const { id } = await tenant.createSegment({ filter: 'tags = a' });
  await tenant.expectMembers(id, [ada]);
  const snapshot = await service.call(
    'snapshotSegment',
    { id, snapshot: { key: 'of_now', name: undefined } },
    tenant.caller,
  );
  expect(snapshot).toMatchObject({ kind: SegmentKind.SNAPSHOT, name: 'A segment' });
  await tenant.expectLive(snapshot.id);
  await change(ada, { tags: [] });
  await tenant.expectMembers(id, []);
  expect(await tenant.membersOf(snapshot.id)).toEqual([ada]);
});

test('a preview counts what a filter selects, stores nothing, and shows callers what they see', async () => {
  const ada = await tenant.createPerson({ displayName: 'Ada', tags: ['a'] });
  const bob = await tenant.createPerson({ tags: ['a'] });
  const { id } = await tenant.createSegment({ kind: SegmentKind.STATIC });
  await service.call('addSegmentMembers', { id, members: { customerIds: [bob] } }, tenant.caller);
  const preview = { filter: 'tags = a', excludeSegmentIds: [id] };
  const answer = await service.call('previewSegment', { preview }, tenant.caller);
  expect(answer).toMatchObject({ count: 1, samples: [{ customerId: ada, displayName: 'Ada' }] });
  expect(answer.planCost).toBeGreaterThan(0);
  const others = { ...tenant.caller, principalId: `user:${crypto.randomUUID()}`, recordScope: 'OWN' as const };
  expect(await service.call('previewSegment', { preview }, others)).toMatchObject({ count: 0, samples: [] });
  await expect(
    service.call('previewSegment', { preview: { filter: 'x = 1', excludeSegmentIds: [] } }, tenant.caller),
  ).rejects.toMatchObject({ violations: [expect.objectContaining({ field: 'preview.filter' })] });
});

test('a workspace has at most 1,000 segments', async () => {
  const { id } = await tenant.createSegment({ kind: SegmentKind.STATIC });
  const superuser = await superuserOf(service.urls.ownerUrl);
  await superuser.query(
    `insert into segment select (jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid(), 'key', 'k' || n))).*
     from segment one, generate_series(1, 999) n where one.id = $1`,
    [id],
  );
  await superuser.end();

  const refused = tenant.createSegment({ kind: SegmentKind.STATIC });
  await expect(refused).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_SEGMENTS' });
  await service.call('deleteSegment', { id }, tenant.caller);
  await tenant.createSegment({ kind: SegmentKind.STATIC });
  await expect(service.call('undeleteSegment', { id }, tenant.caller)).rejects.toMatchObject({
    reason: 'TOO_MANY_SEGMENTS',
  });
});

test('a verification joins customers with members, however little memory it has, and page by page finds each difference', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1) ids.push(await tenant.createPerson());
  ids.sort();
  const { id } = await tenant.createSegment({ kind: SegmentKind.STATIC });
  await service.call('addSegmentMembers', { id, members: { customerIds: [ids[0]!, ids[3]!, ids[4]!] } }, tenant.caller);
  const client = await superuserOf(service.urls.ownerUrl);
  await client.query(`set work_mem = '64kB'`);
  const context = { requestId: 'test', caller: tenant.caller, cause: { origin: 'test' } };
  const segment = { id, kind: 'DYNAMIC', state: 'LIVE', filter: null, version: 1, source_id: null } as const;
  const compiled = {
    segment: { ...segment, exclude_segment_ids: [], is_building: false, build_after: null },
    conditions: [rowOnly('customer.id <> ?::uuid', [ids[4]!])],
  };
  const pageAfter = (after: string | null) => {
    const page = { after, size: 2, listed: 10 };
    const { sql: text, values = [] } = callContext.run(context, () => differencesOfPage(compiled, page));
    return { text, values: [...values] };
  };
  const pages: object[] = [];
  for (const after of [null, ids[1]!, ids[3]!]) pages.push(...(await client.query<object>(pageAfter(after))).rows);
  const { text, values } = pageAfter(null);
  const explained = await client.query<Explained>({ text: `explain (format json) ${text}`, values });
  await client.end();

  expect(pages).toMatchObject([
    { customers: 2, last: ids[1], size: 1, missing_ids: [ids[1]], extra_ids: [] },
    { customers: 2, last: ids[3], size: 1, missing_ids: [ids[2]], extra_ids: [] },
    { customers: 1, last: ids[4], size: 1, missing_ids: [], extra_ids: [ids[4]] },
  ]);
  const nodes = nodesOf(explained.rows[0]);
  expect(nodes.map((node) => node['Join Type']).filter(Boolean)).toEqual(['Full']);
  // A list that is looked up for each row.
  expect(nodes.filter((node) => node['Parent Relationship'] === 'SubPlan')).toEqual([]);
});
