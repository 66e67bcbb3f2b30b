import { expect, test } from 'vitest';
import { OtherWrite } from './other-write.js';
import { sharedCustomers } from './running-customers.js';
import { SegmentTenant } from './segment-tenant.js';
import { superuserOf } from './superuser.js';

const service = await sharedCustomers();

test('a pass of the follower leaves out a customer whose removal it waits for', async () => {
  const tenant = new SegmentTenant(service);
  const [ada, bob] = [await tenant.createPerson({ tags: ['vip'] }), await tenant.createPerson({ tags: ['vip'] })];
  const superuser = await superuserOf(service.urls.ownerUrl);
  const removal = new OtherWrite(superuser);
  await superuser.query('begin');
  await superuser.query('delete from customer_key where customer_id = $1', [ada]);
  await superuser.query('delete from customer where id = $1', [ada]);

  const { id } = await tenant.createSegment({ filter: 'tags = vip' });
  await removal.untilWaiting(1);
  const removedMs = Date.now();
  await superuser.query('commit');
  await superuser.end();

  await tenant.expectMembers(id, [bob]);
  // Its pass began before the removal ended: it was not repeated.
  const [member] = await tenant.membershipsOf(id);
  expect(Date.parse(member!.joinTime!)).toBeLessThanOrEqual(removedMs);
  await tenant.expectLive(id);
  expect(await tenant.verify(id)).toMatchObject({ equal: true, size: 1 });
});
