import { SegmentKind } from '@rapport/contracts/rapport/marketing/v1/segment';
import { expect, test } from 'vitest';
import { sharedCustomers } from './running-customers.js';
import { SegmentTenant } from './segment-tenant.js';
import { superuserOf } from './superuser.js';

const service = await sharedCustomers();

test.each([
  ['came before the first step of its tenant', `epoch = null, position = null`],
  ['the log has lost', `epoch = gen_random_uuid(), position = 0`],
])('a static segment follows a merge that %s', async (_, place) => {
  const tenant = new SegmentTenant(service);
  const [ada, bob, eve, zoe] = [
    await tenant.createPerson(),
    await tenant.createPerson(),
    await tenant.createPerson(),
    await tenant.createPerson(),
  ];
  const { id } = await tenant.createSegment({ kind: SegmentKind.STATIC });
  await service.call('addSegmentMembers', { id, members: { customerIds: [ada, bob, zoe] } }, tenant.caller);
  await service.call('removeSegmentMembers', { id, members: { customerIds: [zoe] } }, tenant.caller);

  const superuser = await superuserOf(service.urls.ownerUrl);
  const ofTenant = [tenant.caller.tenantId];
  const jobs = 'select position from segment_job where tenant_id = $1';
  const position = async () => (await superuser.query<{ position: string | null }>(jobs, ofTenant)).rows[0]?.position;
  await expect.poll(position).toEqual(expect.any(String));
  // No step is taken while the row of the job is locked, and one that has read the former position is not taken afterwards.
  await superuser.query('begin');
  await superuser.query(`${jobs} for update`, ofTenant);
  const merge = (into: string, mergedId: string) =>
    service.call('mergeCustomers', { id: into, merge: { mergedId, preferMerged: [] } }, tenant.caller);
  await merge(eve, ada);
  await merge(zoe, bob);
  await superuser.query(`update segment_job set ${place}, next_time = rapport_clock() where tenant_id = $1`, ofTenant);
  await superuser.query('commit');
  await superuser.end();

  // Zoe was removed before, and stays out.
  await tenant.expectMembers(id, [ada, bob, eve]);
  expect(await tenant.verify(id)).toMatchObject({ equal: true });
});
