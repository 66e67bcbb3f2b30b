import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { recordTypes } from '../src/engine/fields/record-type.js';
import { AssociatingTenant } from './associating-tenant.js';
import { changesOf } from './change-feeds.js';
import { sharedCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

const customers = await sharedCustomers();

let tenant: AssociatingTenant;
let caller: Caller;
let ada: string;
let deal: string;

beforeEach(async () => {
  ({ tenant, caller, ada, deal } = await AssociatingTenant.withRecords(customers));
});

describe('an association', () => {
  test('connects records of any two types, and is visible from both sides', async () => {
    const made = await tenant.link(ada, deal, { role: ' buyer ', labels: ['vip', ' vip'] });
    const { id: pipeline } = await tenant.pipeline();
    const other = await tenant.associate({ from: `deals/${deal}`, to: `pipelines/${pipeline}`, type: 'came_from' });

    expect(made).toMatchObject({
      ...{ from: `customers/${ada}`, to: `deals/${deal}`, type: 'decides_on', role: 'buyer', labels: ['vip'] },
      ...{ fromCustomerId: undefined, toCustomerId: undefined, etag: '"1"' },
    });
    expect(await customers.call('getAssociation', { id: made.id }, caller)).toEqual(made);
    expect(await tenant.linksOf(`customers/${ada}`)).toEqual([made.id]);
    expect(await tenant.linksOf(`deals/${deal}`)).toEqual([made.id, other.id]);
    expect(await tenant.linksOf(`pipelines/${pipeline}`)).toEqual([other.id]);
  });

  test('of two customers has names and ids, whichever of them the request used', async () => {
    const bob = await tenant.person();
    const named = await tenant.associate({ from: `customers/${ada}`, to: `customers/${bob}` });
    const byId = await tenant.associate({ fromCustomerId: bob, toCustomerId: ada, to: `customers/${ada}` });

    expect(named).toMatchObject({ fromCustomerId: ada, toCustomerId: bob });
    expect(byId).toMatchObject({ from: `customers/${bob}`, to: `customers/${ada}` });
    const { associations } = await customers.call('listAssociations', { customerId: ada }, caller);
    expect(associations).toEqual([named, byId]);
    await tenant.link(ada, deal);
    expect((await customers.call('listAssociations', { customerId: ada }, caller)).associations).toHaveLength(2);
    expect(await tenant.linksOf(`customers/${ada}`)).toHaveLength(3);
  });

  test('is refused with the field that names no live record, or the same record', async () => {
    const gone = await tenant.deal();
    await customers.call('deleteDeal', { id: gone }, caller);
    const theirs = await new AssociatingTenant(customers).deal();
    const customer = `customers/${ada}`;
    const refusals: [Parameters<AssociatingTenant['associate']>[0], string, string][] = [
      [{ from: customer }, 'toCustomerId', 'REQUIRED'],
      [{ to: customer }, 'fromCustomerId', 'REQUIRED'],
      [{ from: customer, to: `orders/${v7()}` }, 'to', 'RECORD_TYPE_UNKNOWN'],
      [{ from: customer, to: `deals/${gone}` }, 'to', 'DEAL_NOT_FOUND'],
      [{ from: `deals/${theirs}`, to: customer }, 'from', 'DEAL_NOT_FOUND'],
      // An id of another type.
      [{ from: `deals/${deal}`, to: `customers/${deal}` }, 'to', 'CUSTOMER_NOT_FOUND'],
      [{ from: `deals/${deal}`, to: `deals/${deal}` }, 'to', 'SELF_LINK'],
      [{ fromCustomerId: ada, to: customer }, 'to', 'SELF_LINK'],
      [{ from: `deals/${deal}`, fromCustomerId: ada, to: customer }, 'from', 'OTHER_RECORD'],
      [{ from: 'deals', to: customer }, 'from', 'BAD_FORMAT'],
    ];
    for (const [given, field, reason] of refusals) {
      await expect(tenant.associate(given), `${field} ${reason}`).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        violations: [expect.objectContaining({ field: `association.${field}`, reason })],
      });
    }
    expect(await tenant.linksOf(customer)).toEqual([]);
  });

  test('exists once for its records, type and direction, however many calls create it', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => tenant.link(ada, deal)));

    const [made] = await tenant.linksOf(`deals/${deal}`);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(7);
    for (const { reason } of refused)
      expect(reason).toMatchObject({ reason: 'ASSOCIATION_EXISTS', metadata: { associationId: made } });
    await tenant.link(ada, deal, { type: 'knows' });
    await tenant.associate({ from: `deals/${deal}`, to: `customers/${ada}` });
    expect(await tenant.linksOf(`deals/${deal}`)).toHaveLength(3);
  });

  test('is updated and deleted with its current etag', async () => {
    const made = await tenant.link(ada, deal);
    const update = (role: string, etag: string) =>
      customers.call(
        'updateAssociation',
        { id: made.id, association: { ...made, role }, updateMask: ['role'], etag },
        caller,
      );

    const changed = await update('buyer', '"1"');
    expect(changed).toMatchObject({ ...made, role: 'buyer', etag: '"2"', updateTime: changed.updateTime });
    await expect(update('seller', '"1"')).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await customers.call('deleteAssociation', { id: made.id, etag: '"2"' }, caller)).toEqual(changed);
    expect(await tenant.linksOf(`deals/${deal}`)).toEqual([]);
  });

  test('returns the same association to a repeated create, and writes none for validateOnly', async () => {
    const first = await tenant.associate({ from: `deals/${deal}`, toCustomerId: ada }, caller, 'key-1');
    expect(await tenant.associate({ from: `deals/${deal}`, toCustomerId: ada }, caller, 'key-1')).toEqual(first);

    const association = { ...first, from: `customers/${ada}`, to: `deals/${deal}`, id: '', etag: '' };
    await customers.call('createAssociation', { association, validateOnly: true }, caller);
    expect(await tenant.linksOf(`deals/${deal}`)).toEqual([first.id]);
  });

  test('is one of at most 10,000 that a record has with records of other types', async () => {
    const superuser = await superuserOf(customers.urls.appUrl);
    await superuser.query(
      `insert into record_association (tenant_id, id, from_type, from_id, type, to_type, to_id, labels, version, create_time, update_time)
       select $1, gen_random_uuid(), 'customer', gen_random_uuid(), 'knows', 'deal', $2, '{}', 1, now(), now() from generate_series(1, 10000)`,
      [caller.tenantId, deal],
    );
    await superuser.end();

    await expect(tenant.link(ada, deal)).rejects.toMatchObject({
      ...{ code: 'FAILED_PRECONDITION', reason: 'TOO_MANY_ASSOCIATIONS', metadata: { record: `deals/${deal}` } },
    });
  });
});

describe('the lifecycle of a record', () => {
  test('hides its associations while it is deleted, at either end', async () => {
    const { id } = await tenant.link(ada, deal);
    const ends = [
      ['deleteDeal', 'undeleteDeal', deal, `customers/${ada}`],
      ['deleteCustomer', 'undeleteCustomer', ada, `deals/${deal}`],
    ] as const;
    for (const [remove, undelete, record, other] of ends) {
      await customers.call(remove, { id: record }, caller);
      expect(await tenant.linksOf(other)).toEqual([]);
      for (const method of ['getAssociation', 'deleteAssociation'] as const)
        await expect(customers.call(method, { id }, caller)).rejects.toMatchObject({ reason: 'ASSOCIATION_NOT_FOUND' });
      await customers.call(undelete, { id: record }, caller);
      expect(await tenant.linksOf(other)).toEqual([id]);
    }
  });

  test('never shows an association whose deal is deleted concurrently', async () => {
    await Promise.allSettled([tenant.link(ada, deal), customers.call('deleteDeal', { id: deal }, caller)]);
    expect(await tenant.linksOf(`customers/${ada}`)).toEqual([]);
  });

  test('a merge moves associations to the surviving customer, once each, and its undo moves them back', async () => {
    const bob = await tenant.person();
    const deals = [deal, await tenant.deal()];
    const kept = await tenant.link(ada, deal);
    const [doubled, moved] = [await tenant.link(bob, deal), await tenant.link(bob, deals[1] ?? '')];
    const back = await tenant.associate({ from: `deals/${deal}`, to: `customers/${bob}` });

    const { record } = await tenant.merging.merge(ada, bob);
    expect(await tenant.linksOf(`customers/${ada}`)).toEqual([kept.id, moved.id, back.id]);
    expect(await customers.call('getAssociation', { id: back.id }, caller)).toMatchObject({
      ...{ from: `deals/${deal}`, to: `customers/${ada}`, etag: '"2"' },
    });
    await tenant.merging.unmerge(record.id);
    expect(await tenant.linksOf(`customers/${ada}`)).toEqual([kept.id]);
    expect(await tenant.linksOf(`customers/${bob}`)).toEqual([doubled.id, moved.id, back.id]);
  });

  test('an erasure removes the associations of the person, and their values in the change log', async () => {
    const { id } = await tenant.link(ada, deal, { role: 'whistleblower' });
    await tenant.associate({ from: `deals/${deal}`, to: `pipelines/${(await tenant.pipeline()).id}` });

    await customers.call('eraseCustomer', { id: ada, erasure: { reason: 'asked for' } }, caller);

    expect(await tenant.linksOf(`deals/${deal}`)).toHaveLength(1);
    await changesOf(customers, caller, 3, { types: ['association'] });
    const superuser = await superuserOf(customers.urls.appUrl);
    const { rows } = await superuser.query(
      `select operation, position('whistleblower' in coalesce(before::text, '') || coalesce(after::text, '')) as place
       from change_log where record_id = $1 order by position`,
      [id],
    );
    await superuser.end();
    expect(rows).toEqual([
      { operation: 'CREATE', place: 0 },
      { operation: 'DELETE', place: 0 },
    ]);
  });

  test('permanently deleting a record deletes its associations, for any caller', async () => {
    const { id } = await tenant.link(ada, deal);
    const kept = await tenant.associate({ from: `customers/${ada}`, to: `pipelines/${(await tenant.pipeline()).id}` });
    await tenant.merging.execute('delete from stage_entry where tenant_id = ? and deal_id = ?', [
      caller.tenantId,
      deal,
    ]);
    await tenant.merging.execute('delete from deal where tenant_id = ? and id = ?', [caller.tenantId, deal]);

    expect(await tenant.linksOf(`customers/${ada}`)).toEqual([kept.id]);
    const changes = await changesOf(customers, caller, 3, { types: ['association'] });
    expect(changes.at(-1)).toMatchObject({ recordId: id, operation: ChangeOperation.DELETE });
  });

  test('the table of each record type has the trigger for it', async () => {
    const superuser = await superuserOf(customers.urls.appUrl);
    const { rows } = await superuser.query<{ name: string }>(
      `select tgrelid::regclass::text as name from pg_trigger where tgname = 'end_associations' order by 1`,
    );
    await superuser.end();
    expect(rows.map(({ name }) => name)).toEqual([...recordTypes()].map(({ table }) => table).toSorted());
  });
});
