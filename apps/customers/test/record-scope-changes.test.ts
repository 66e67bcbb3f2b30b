import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { Association } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { changesOf, watch } from './change-feeds.js';
import { defineField } from './custom-field-requests.js';
import { sharedCustomers } from './running-customers.js';
import { idOf, outcomeOf, ScopedTenant } from './scoped-tenant.js';

const customers = await sharedCustomers();

/** All changes so far that are visible to the caller. */
async function shownTo(caller: Caller, tenant: ScopedTenant): Promise<Change[]> {
  // Everybody sees a custom field: when it arrives, all earlier changes have.
  const key = `mark_${v7().replaceAll('-', '')}`;
  await defineField(customers, tenant.admin, key, CustomField_Type.TEXT);
  const changes: Change[] = [];
  for (let cursor: string | undefined; changes.at(-1)?.recordId !== key;) {
    const page = await customers.call('listChanges', { cursor, waitSeconds: 5, pageSize: 3 }, caller);
    changes.push(...page.changes);
    cursor = page.nextCursor;
  }
  return changes.slice(0, -1);
}

function inShort({ type, recordId, operation }: Change): [string, string, string] {
  return [type, recordId, ChangeOperation[operation]];
}

test('the feed has the changes of customers in the scope, and a DELETE without values of one that leaves it', async () => {
  const tenant = new ScopedTenant(customers);
  const { admin } = tenant;
  const ann = tenant.own();
  const bob = await tenant.create(admin, { displayName: 'Hidden' });
  const ada = await tenant.create(ann);
  const eve = await tenant.create(ann);
  await customers.update(admin, bob.id, { jobTitle: 'Hidden' });
  await customers.update(admin, eve.id, { jobTitle: 'Analyst' });
  await customers.update(admin, ada.id, { jobTitle: 'Hidden', ownerId: idOf(admin) });
  await customers.update(admin, ada.id, { jobTitle: 'Hidden too' });
  await customers.update(admin, bob.id, { ownerId: idOf(ann), jobTitle: 'Analyst' });
  await customers.delete(ann, eve.id);

  const changes = await shownTo(ann, tenant);

  expect(changes.map(inShort)).toEqual([
    // Every change of currently visible records.
    ['customer', bob.id, 'CREATE'],
    ['customer', eve.id, 'CREATE'],
    ['customer', bob.id, 'UPDATE'],
    ['customer', eve.id, 'UPDATE'],
    ['customer', ada.id, 'DELETE'],
    ['customer', bob.id, 'UPDATE'],
    ['customer', eve.id, 'DELETE'],
  ]);
  expect(changes[4]).toMatchObject({ changedFields: [], before: undefined, after: undefined });
  expect(JSON.stringify(changes)).not.toContain('Hidden too');
});

test('a follower of the feed gets changes in the scope, of one that leaves it, and no others', async () => {
  const tenant = new ScopedTenant(customers);
  const { admin } = tenant;
  const [ann, bea] = [tenant.own(), tenant.team()];
  const streams = [ann, bea].map((caller) => watch(customers, caller));
  for (const stream of streams) await stream.next();

  const hidden = await tenant.create(admin);
  const ours = await tenant.create(bea, { ownerTeamId: tenant.north });
  const mine = await tenant.create(ann, { ownerTeamId: tenant.north });
  await customers.update(admin, hidden.id, { jobTitle: 'x' });
  await customers.update(admin, mine.id, { ownerTeamId: undefined });
  await customers.update(admin, mine.id, { ownerId: undefined });

  const heardUntilDelete = async (stream: (typeof streams)[number]) => {
    const heard: [string, string][] = [];
    while (heard.at(-1)?.[1] !== 'DELETE') {
      const { value } = await stream.next();
      if (value?.change) heard.push([value.change.recordId, ChangeOperation[value.change.operation]]);
    }
    await stream.return();
    return heard;
  };
  const [byAnn, byBea] = await Promise.all(streams.map(heardUntilDelete));

  // A record that was visible at the time of a change may be hidden when the change is read.
  expect(new Set(byAnn?.map(([id]) => id))).toEqual(new Set([mine.id]));
  expect(byBea).toContainEqual([ours.id, 'CREATE']);
  expect(byBea?.at(-1)).toEqual([mine.id, 'DELETE']);
  expect(byBea?.flat()).not.toContain(hidden.id);
});

test('changes of associations are sent when both customers are visible', async () => {
  const tenant = new ScopedTenant(customers);
  const { admin } = tenant;
  const ann = tenant.own();
  const [ada, eve, hidden] = [await tenant.create(ann), await tenant.create(ann), await tenant.create(admin)];
  const linked = async (toCustomerId: string) => {
    const association = {
      ...Association.decode(new Uint8Array()),
      fromCustomerId: ada.id,
      type: 'knows',
      toCustomerId,
    };
    return (await customers.call('createAssociation', { association }, admin)).id;
  };
  const [seen, unseen] = [await linked(eve.id), await linked(hidden.id)];
  const first = await shownTo(ann, tenant);
  for (const id of [seen, unseen]) await customers.call('deleteAssociation', { id }, admin);
  const later = await shownTo(ann, tenant);

  expect(first.filter(({ type }) => type === 'association').map(inShort)).toEqual([['association', seen, 'CREATE']]);
  expect(later.filter(({ type }) => type === 'association').map(inShort)).toEqual([['association', seen, 'DELETE']]);
});

test('the history of a customer that has become hidden is hidden', async () => {
  const tenant = new ScopedTenant(customers);
  const ann = tenant.own();
  const mine = await tenant.create(ann);
  const asOf = new Date().toISOString();
  expect(await changesOf(customers, ann, 1)).toHaveLength(1);
  await customers.update(tenant.admin, mine.id, { ownerId: undefined });

  const missing = v7();
  const answers = (id: string) =>
    Promise.all([
      outcomeOf(customers.call('listCustomerHistory', { id }, ann)),
      outcomeOf(customers.call('getCustomer', { id, asOf }, ann)),
    ]);

  expect(await answers(mine.id)).toEqual(await answers(missing));
  expect((await customers.call('listCustomerHistory', { id: mine.id }, tenant.admin)).changes).toHaveLength(2);
});
