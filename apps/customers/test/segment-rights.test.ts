import { SegmentKind } from '@rapport/contracts/rapport/marketing/v1/segment';
import { expect, test } from 'vitest';
import { sharedCustomers } from './running-customers.js';
import { SegmentTenant } from './segment-tenant.js';

const service = await sharedCustomers();

const refusal = { code: 'PERMISSION_DENIED', reason: 'RECORD_SCOPE_UNSUPPORTED' };

test.each(['OWN', 'TEAM'] as const)(
  'a caller with the scope %s does not decide by a filter which customers are members',
  async (recordScope) => {
    const tenant = new SegmentTenant(service);
    const principalId = `user:${crypto.randomUUID()}`;
    const narrow = new SegmentTenant(service, { ...tenant.caller, principalId, recordScope, teamIds: [] });
    const { id } = await tenant.createSegment({ filter: 'tags = vip' });
    const excluded = await tenant.createSegment({ kind: SegmentKind.STATIC });

    const filter = 'deals.title = takeover';
    await expect(narrow.createSegment({ filter })).rejects.toMatchObject(refusal);
    await expect(narrow.createSegment({ kind: SegmentKind.SNAPSHOT, filter })).rejects.toMatchObject(refusal);
    await expect(narrow.createSegment({ kind: SegmentKind.SNAPSHOT })).rejects.toMatchObject(refusal);
    await expect(narrow.updateSegment(id, { filter })).rejects.toMatchObject(refusal);
    await expect(narrow.updateSegment(id, { excludeSegmentIds: [excluded.id] })).rejects.toMatchObject(refusal);
    const snapshot = { key: 'of_now', name: undefined };
    await expect(service.call('snapshotSegment', { id, snapshot }, narrow.caller)).rejects.toMatchObject(refusal);
  },
);

test('a caller with a narrow scope writes STATIC segments, and names, deletes and restores the others', async () => {
  const tenant = new SegmentTenant(service);
  const principalId = `user:${crypto.randomUUID()}`;
  const narrow = new SegmentTenant(service, { ...tenant.caller, principalId, recordScope: 'OWN' });
  const own = await narrow.createPerson();
  const mine = await narrow.createSegment({ kind: SegmentKind.STATIC });
  await service.call('addSegmentMembers', { id: mine.id, members: { customerIds: [own] } }, narrow.caller);
  expect(await narrow.membersOf(mine.id)).toEqual([own]);

  const { id } = await tenant.createSegment({ filter: 'tags = vip' });
  expect(await narrow.updateSegment(id, { name: 'Guests' })).toMatchObject({ name: 'Guests', filter: 'tags = vip' });
  await service.call('deleteSegment', { id }, narrow.caller);
  expect(await service.call('undeleteSegment', { id }, narrow.caller)).toMatchObject({ id, filter: 'tags = vip' });
});

test('a caller that can not read customers does not learn by a filter what is in them', async () => {
  const tenant = new SegmentTenant(service);
  await tenant.createPerson({ displayName: 'Ada', tags: ['vip'] });
  const { id } = await tenant.createSegment({ filter: 'tags = vip' });
  const permissions = tenant.caller.permissions.filter((permission) => permission !== 'customers.read');
  const other = new SegmentTenant(service, { ...tenant.caller, permissions });

  const refused = { code: 'PERMISSION_DENIED', metadata: { permission: 'customers.read' } };
  const preview = { filter: 'tags = vip', excludeSegmentIds: [] };
  await expect(service.call('previewSegment', { preview }, other.caller)).rejects.toMatchObject(refused);
  await expect(other.createSegment({ filter: 'displayName = ada' })).rejects.toMatchObject(refused);
  await expect(other.updateSegment(id, { filter: 'displayName = ada' })).rejects.toMatchObject(refused);
  expect(await other.updateSegment(id, { name: 'Guests' })).toMatchObject({ name: 'Guests' });
});
