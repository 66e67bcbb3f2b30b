import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomField_Type as Type,
  type CustomField,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { BatchMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { defineField, options, refusal } from './custom-field-requests.js';
import { csv, ImportTenant, issues, rowsOf } from './import-tenant.js';
import { MergingTenant } from './merging-tenant.js';
import { company, customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

/** Defines a field of the caller's tenant. */
function define(key: string, type: Type, more: Partial<CustomField> = {}): Promise<CustomField> {
  return defineField(customers, caller, key, type, more);
}

describe('the values of a customer', () => {
  test('round-trip by type, and are merged key by key: null clears one, an absent value all', async () => {
    await define('plan', Type.SELECT, options('gold', 'silver'));
    await define('seats', Type.NUMBER);
    await define('price', Type.MONEY);
    const price = { currencyCode: 'EUR', amount: '0012.50' };
    const created = await customers.create(caller, person({ customFields: { plan: 'GOLD', seats: 25, price } }));
    expect(created.customFields).toEqual({
      plan: 'gold',
      seats: 25,
      price: { amount: '12.50', currencyCode: 'EUR' },
    });
    expect(await customers.get(caller, created.id)).toEqual(created);

    const merged = await customers.update(caller, created.id, { customFields: { plan: 'silver', seats: null } });
    expect(merged.customFields).toEqual({ plan: 'silver', price: { amount: '12.50', currencyCode: 'EUR' } });
    expect(await customers.update(caller, created.id, { customFields: { plan: 'silver' } })).toEqual(merged);
    expect(await customers.update(caller, created.id, { customFields: {} })).toEqual(merged);

    const cleared = await customers.update(caller, created.id, { customFields: undefined });
    expect(cleared).toMatchObject({ customFields: undefined, etag: '"3"' });
  });

  test('are all reported when invalid', async () => {
    await define('plan', Type.SELECT, options('gold'));
    await define('staff', Type.NUMBER, { kind: CustomerKind.COMPANY });
    const wrong = { plan: 'bronze', staff: 7, nothing: true };
    const { id } = await customers.create(caller, person());

    const refused = [
      ['INVALID_ARGUMENT', 'customer.customFields.plan', 'UNKNOWN_VALUE'],
      ['INVALID_ARGUMENT', 'customer.customFields.staff', 'NOT_ALLOWED'],
      ['INVALID_ARGUMENT', 'customer.customFields.nothing', 'UNKNOWN_FIELD'],
    ];
    expect(await refusal(customers.create(caller, person({ customFields: wrong })))).toEqual(refused);
    expect(await refusal(customers.update(caller, id, { customFields: wrong }))).toEqual(refused);
  });

  test('stay visible when their definition is deleted, and can be cleared but not set', async () => {
    await define('plan', Type.TEXT);
    const { id } = await customers.create(caller, person({ customFields: { plan: 'gold' } }));
    await customers.call('deleteCustomField', { key: 'plan' }, caller);

    expect((await customers.update(caller, id, { jobTitle: 'Analyst' })).customFields).toEqual({ plan: 'gold' });
    expect((await customers.update(caller, id, { customFields: { plan: 'gold' } })).customFields).toEqual({
      plan: 'gold',
    });
    const refused = [['INVALID_ARGUMENT', 'customer.customFields.plan', 'UNKNOWN_FIELD']];
    expect(await refusal(customers.update(caller, id, { customFields: { plan: 'silver' } }))).toEqual(refused);
    expect((await customers.update(caller, id, { customFields: { plan: null } })).customFields).toBeUndefined();
    expect(await refusal(customers.update(caller, id, { customFields: { plan: 'gold' } }))).toEqual(refused);
  });

  test('of 200 fields with long texts fit into one customer', async () => {
    await new MergingTenant(customers, caller).defineFields(200, `case n % 2 when 1 then 'TEXT' else 'URL' end`);
    const values: Record<string, unknown> = {};
    for (let index = 0; index < 200; index += 1) {
      values[`f${index}`] = index % 2 ? '長'.repeat(1_000) : `https://x.example/${'長'.repeat(1_900)}`;
    }
    const { id } = await customers.create(caller, person({ customFields: values }));
    expect((await customers.get(caller, id)).customFields).toEqual(values);
  });
});

describe('a reference', () => {
  const notFound = [['INVALID_ARGUMENT', 'customer.customFields.friend', 'REFERENCE_NOT_FOUND']];
  let tenant: ImportTenant;
  let friend: Customer;

  beforeEach(async () => {
    tenant = await ImportTenant.create(customers);
    caller = tenant.caller;
    await define('friend', Type.REFERENCE);
    friend = await customers.create(caller, company());
    return () => tenant.close();
  });

  function friendOf(id: string): Partial<Customer> {
    return person({ customFields: { friend: id } });
  }

  test('must refer to a live customer of the tenant when it is set or changed, and is not checked otherwise', async () => {
    const foreign = await customers.create(newCaller(), person());
    const gone = await customers.create(caller, person());
    await customers.delete(caller, gone.id);
    const { id } = await customers.create(caller, friendOf(friend.id));

    for (const wrong of [foreign.id, gone.id, v7()]) {
      expect(await refusal(customers.create(caller, friendOf(wrong)))).toEqual(notFound);
      expect(await refusal(customers.update(caller, id, { customFields: { friend: wrong } }))).toEqual(notFound);
    }
    await customers.delete(caller, friend.id);
    const kept = await customers.update(caller, id, { jobTitle: 'x', customFields: { friend: friend.id } });
    expect(kept.customFields).toEqual({ friend: friend.id });
    expect(await refusal(customers.create(caller, friendOf(friend.id)))).toEqual(notFound);
  });

  test('of an item of a batch is refused for that item', async () => {
    const items = [friend.id, v7(), 'nobody'].map((id) => ({ customer: customerOf(friendOf(id)) }));
    const batch = { items, mode: BatchMode.PER_ITEM };
    const created = await customers.call('batchCreateCustomers', { batch }, caller);
    const outcome = ({ results }: typeof created) =>
      results.map(({ customer, problem }) => customer?.customFields ?? problem?.violations[0]?.reason);

    expect(outcome(created)).toEqual([{ friend: friend.id }, 'REFERENCE_NOT_FOUND', 'BAD_FORMAT']);
    const id = created.results[0]?.customer?.id ?? '';
    const changes = [v7(), friend.id].map((value) => ({
      id,
      customer: customerOf({ customFields: { friend: value } }),
      updateMask: ['customFields'],
    }));
    const updated = await customers.call(
      'batchUpdateCustomers',
      { batch: { items: changes, mode: BatchMode.PER_ITEM } },
      caller,
    );
    expect(outcome(updated)).toEqual(['REFERENCE_NOT_FOUND', { friend: friend.id }]);
  });

  test('waits for a running deletion of its customer, and is then refused', async () => {
    await tenant.database.query('begin');
    await tenant.database.query('update customer set delete_time = now() where id = $1', [friend.id]);
    const creation = refusal(customers.create(caller, friendOf(friend.id)));
    await tenant.waitForSessions(1, `wait_event_type = 'Lock' and query like '%for share%'`);
    await tenant.database.query('commit');
    expect(await creation).toEqual(notFound);
  });
});

describe('an import', () => {
  let tenant: ImportTenant;

  beforeEach(async () => {
    tenant = await ImportTenant.create(customers);
    caller = tenant.caller;
    await define('plan', Type.SELECT, { ...options('gold', 'silver'), displayName: 'Abo' });
    await define('seats', Type.NUMBER);
    await define('friend', Type.REFERENCE);
    return () => tenant.close();
  });

  async function storedValues() {
    return (await tenant.stored()).map(({ displayName, customFields }) => [displayName, customFields]);
  }

  test('fills custom fields named by `map` or by the columns, and changes nothing when repeated', async () => {
    const file = csv('Name,P,N\nAda,gold,25\nBob,GOLD,\n', {
      map: ['Name=display_name', 'P=custom_fields.plan', 'N=custom_fields.seats'],
    });
    await tenant.importFile(file);
    const guessed = await tenant.importFile(csv('Name,Abo,Seats\nCleo,silver,3\n'));

    expect(await storedValues()).toEqual([
      ['Ada', { plan: 'gold', seats: 25 }],
      ['Bob', { plan: 'gold' }],
      ['Cleo', { plan: 'silver', seats: 3 }],
    ]);
    expect(guessed.columns.map(({ field }) => field)).toEqual([
      'displayName',
      'customFields.plan',
      'customFields.seats',
    ]);
    const before = await tenant.storedRows();
    expect(await tenant.importFile(file)).toMatchObject({ unchanged: 2, issues: [] });
    expect(await tenant.storedRows()).toEqual(before);
  });

  test('accepts customFields of JSON rows, omits invalid values with a warning, and merges key by key', async () => {
    const friend = await customers.create(caller, person({ displayName: 'Friend' }));
    const erp = (value: string) => [{ system: 'erp', value }];
    const rows = (customFields: object) => rowsOf([{ name: 'Ada', externalIds: erp('1'), customFields }]);
    await tenant.importFile(rows({ plan: 'gold', seats: 1, friend: friend.id }));

    const answer = await tenant.importFile(rows({ plan: 'pink', seats: 2, friend: v7(), nothing: 1 }));

    expect(issues(answer)).toEqual([
      [1, 'UNKNOWN_FIELD', 'customFields.nothing'],
      [1, 'UNKNOWN_VALUE', 'customFields.plan'],
      [1, 'REFERENCE_NOT_FOUND', 'customFields.friend'],
    ]);
    expect(await storedValues()).toContainEqual(['Ada', { plan: 'gold', seats: 2, friend: friend.id }]);
  });

  test('refuses a map with a missing or deleted custom field', async () => {
    await customers.call('deleteCustomField', { key: 'plan' }, caller);
    for (const key of ['plan', 'colour']) {
      const file = csv('Name,P\nAda,gold\n', { map: ['Name=display_name', `P=custom_fields.${key}`] });
      expect(await refusal(tenant.importFile(file))).toEqual([['INVALID_ARGUMENT', 'map[1]', 'UNKNOWN_FIELD']]);
    }
  });
});
