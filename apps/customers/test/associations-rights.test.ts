import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { AssociatingTenant } from './associating-tenant.js';
import { changesOf } from './change-feeds.js';
import { newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: AssociatingTenant;
let caller: Caller;
let ada: string;
let deal: string;

beforeEach(async () => {
  ({ tenant, caller, ada, deal } = await AssociatingTenant.withRecords(customers));
});

function as(...permissions: string[]): Caller {
  return { ...caller, permissions };
}

describe('permissions', () => {
  test('reading an association takes the permissions to read both types, writing also the one to write one of them', async () => {
    const { id } = await tenant.link(ada, deal);
    const other = await tenant.deal();
    const create = (...permissions: string[]) =>
      tenant.associate({ from: `customers/${ada}`, to: `deals/${other}` }, as(...permissions));
    const missing = (permission: string) => ({ code: 'PERMISSION_DENIED', metadata: { permission } });
    const read = ['customers.read', 'deals.read'];

    await expect(customers.call('getAssociation', { id }, as('customers.read'))).rejects.toMatchObject(
      missing('deals.read'),
    );
    expect(await customers.call('getAssociation', { id }, as(...read))).toMatchObject({ id });
    await expect(create('customers.read', 'customers.write', 'deals.write')).rejects.toMatchObject(
      missing('deals.read'),
    );
    await expect(create(...read, 'pipelines.configure')).rejects.toMatchObject(missing('customers.write'));
    const made = await create(...read, 'deals.write');
    await expect(customers.call('deleteAssociation', { id: made.id }, as(...read))).rejects.toMatchObject(
      missing('customers.write'),
    );
    await customers.call('deleteAssociation', { id: made.id }, as(...read, 'customers.write'));
  });

  test('writing an association of two customers takes the permission to write customers', async () => {
    const toCustomerId = await tenant.person();
    const create = (...permissions: string[]) =>
      tenant.associate({ fromCustomerId: ada, toCustomerId }, as('customers.read', ...permissions));

    await expect(create('deals.read', 'deals.write')).rejects.toMatchObject({
      metadata: { permission: 'customers.write' },
    });
    await create('customers.write');
  });

  test('a list omits associations that require another permission, and is refused for records of such a type', async () => {
    const bob = await tenant.person();
    const { id } = await tenant.associate({ fromCustomerId: ada, toCustomerId: bob });
    await tenant.link(ada, deal);

    expect(await tenant.linksOf(`customers/${ada}`, as('customers.read'))).toEqual([id]);
    await expect(tenant.linksOf(`deals/${deal}`, as('customers.read'))).rejects.toMatchObject({
      metadata: { permission: 'deals.read' },
    });
  });

  test('a caller with a narrow scope finds only associations of visible records', async () => {
    const owner = v7();
    const mine: Caller = { ...caller, principalId: `user:${owner}`, recordScope: 'OWN' };
    const own = (await customers.create(caller, person({ ownerId: owner }))).id;
    const ownDeal = await tenant.deal({ ownerId: owner });
    const { id: pipeline } = await tenant.pipeline();
    const seen = [
      await tenant.link(own, ownDeal),
      await tenant.associate({ from: `customers/${own}`, to: `pipelines/${pipeline}` }, mine),
    ];
    const hidden = await tenant.link(own, deal);

    expect(await tenant.linksOf(`customers/${own}`, mine)).toEqual(seen.map(({ id }) => id));
    expect(await tenant.linksOf(`customers/${own}`)).toContain(hidden.id);
    await expect(customers.call('getAssociation', { id: hidden.id }, mine)).rejects.toMatchObject({
      reason: 'ASSOCIATION_NOT_FOUND',
    });
    await expect(tenant.linksOf(`deals/${deal}`, mine)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const link = { from: `customers/${own}`, to: `deals/${deal}`, type: 'knows' };
    await expect(tenant.associate(link, mine)).rejects.toMatchObject({
      violations: [{ field: 'association.to', reason: 'DEAL_NOT_FOUND' }],
    });
  });

  test('another tenant finds nothing', async () => {
    const { id } = await tenant.link(ada, deal);
    const stranger = newCaller();

    await expect(customers.call('getAssociation', { id }, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(tenant.linksOf(`deals/${deal}`, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the change log', () => {
  test('includes the records of an association in each change', async () => {
    const bob = await tenant.person();
    const made = await tenant.link(bob, deal);
    const association = { ...made, role: 'buyer' };
    await customers.call('updateAssociation', { id: made.id, association, updateMask: ['role'] }, caller);
    await tenant.merging.merge(ada, bob);
    await customers.call('deleteAssociation', { id: made.id }, caller);

    const changes = await changesOf(customers, caller, 4, { types: ['association'] });
    const names = { from: `customers/${ada}`, to: `deals/${deal}` };
    expect(changes.map(({ operation, changedFields }) => [ChangeOperation[operation], changedFields])).toEqual([
      ['CREATE', []],
      ['UPDATE', ['role']],
      ['UPDATE', ['from']],
      ['DELETE', []],
    ]);
    expect(changes[0]?.after).toMatchObject({
      id: made.id,
      type: 'decides_on',
      from: `customers/${bob}`,
      to: names.to,
    });
    expect(changes[1]?.after).toEqual({ role: 'buyer', from: `customers/${bob}`, to: names.to });
    expect(changes[2]).toMatchObject({ before: { from: `customers/${bob}` }, after: names });
    expect(changes[3]?.before).toMatchObject({ ...names, role: 'buyer' });
    const moved = await changesOf(customers, caller, 3, { types: ['association'], fields: ['from'] });
    expect(moved.map(({ changedFields }) => changedFields)).toEqual([[], ['from'], []]);
  });

  test('sends changes of an association only to readers with permission for both types', async () => {
    const bob = await tenant.person();
    const { id } = await tenant.associate({ fromCustomerId: ada, toCustomerId: bob });
    await tenant.link(ada, deal);
    const last = await tenant.associate({ fromCustomerId: bob, toCustomerId: ada });

    const received = async (count: number, ...permissions: string[]) =>
      (await changesOf(customers, as(...permissions), count, { types: ['association'] })).map(
        ({ recordId }) => recordId,
      );
    expect(await received(2, 'customers.read')).toEqual([id, last.id]);
    expect(await received(3, 'customers.read', 'deals.read')).toHaveLength(3);
  });

  test('sends readers with a narrow scope only associations of visible records', async () => {
    const owner = v7();
    const mine: Caller = { ...caller, principalId: `user:${owner}`, recordScope: 'OWN' };
    const own = (await customers.create(caller, person({ ownerId: owner }))).id;
    const { id: pipeline } = await tenant.pipeline();
    const seen = await tenant.associate({ from: `customers/${own}`, to: `pipelines/${pipeline}` });
    const hidden = await tenant.link(own, deal);
    for (const { id } of [hidden, seen]) await customers.call('deleteAssociation', { id }, caller);
    const last = await tenant.associate({ from: `pipelines/${pipeline}`, to: `customers/${own}` });

    const changes = await changesOf(customers, mine, 2, { types: ['association'] });
    expect(changes.map(({ recordId, operation }) => [recordId, ChangeOperation[operation]])).toEqual([
      [seen.id, 'DELETE'],
      [last.id, 'CREATE'],
    ]);
  });
});
