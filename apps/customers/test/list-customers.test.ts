import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomField, CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { TotalMode, type ListCustomersRequest } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import { beforeEach, describe, expect, test } from 'vitest';
import { company, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

const orders = ['display_name', 'createTime', 'update_time'].flatMap((field) => [field, `${field} desc`]);

async function allPages(request: Partial<ListCustomersRequest>): Promise<Customer[]> {
  const rows: Customer[] = [];
  let pageToken: string | undefined;
  for (let page = 0; page === 0 || pageToken !== undefined; page += 1) {
    const answer = await customers.call('listCustomers', { ...request, pageToken }, caller);
    rows.push(...answer.customers);
    pageToken = answer.nextPageToken;
  }
  return rows;
}

describe('paging', () => {
  test('has one order over pages of any size, equal values by id', async () => {
    const names = ['b', 'É', 'a', 'e', 'A', 'Ö', 'o', 'z', 'a'];
    for (const displayName of names) await customers.create(caller, person({ displayName }));

    for (const orderBy of orders) {
      const whole = await allPages({ orderBy, pageSize: 200 });
      expect(whole).toHaveLength(names.length);
      expect(await allPages({ orderBy, pageSize: 2 })).toEqual(whole);
    }
    const ascending = await allPages({ orderBy: 'display_name', pageSize: 1 });
    expect(ascending.map(({ displayName }) => displayName).join('')).toBe('aAabÉeÖoz');
    expect(await allPages({ orderBy: 'display_name desc' })).toEqual(ascending.toReversed());
    expect(await allPages({})).toEqual(await allPages({ orderBy: 'create_time desc' }));
  });

  test('continues with another page size, but with no other difference', async () => {
    for (let index = 0; index < 4; index += 1) await customers.create(caller, person());
    const request = { filter: 'kind = PERSON', q: 'ada', orderBy: 'display_name', pageSize: 1 };
    const { nextPageToken: pageToken } = await customers.call('listCustomers', request, caller);
    const next = (changes: object, as = caller) =>
      customers.call('listCustomers', { ...request, pageToken, ...changes }, as);

    expect((await next({ pageSize: 3 })).customers).toHaveLength(3);
    for (const changes of [
      { filter: '' },
      { q: 'a' },
      { orderBy: 'display_name desc' },
      { showDeleted: true },
      { pageToken: 'AAAA' },
    ]) {
      await expect(next(changes), JSON.stringify(changes)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        violations: [{ field: 'pageToken', reason: 'PAGE_TOKEN_INVALID' }],
      });
    }
    await expect(next({}, newCaller())).rejects.toMatchObject({ violations: [{ reason: 'PAGE_TOKEN_INVALID' }] });
  });

  test('lists 20 by default, and deleted customers only on request', async () => {
    const rows = await Promise.all(Array.from({ length: 21 }, () => customers.create(caller, person())));
    await customers.delete(caller, rows[0]!.id);
    await customers.create(newCaller(), person());

    const live = await customers.call('listCustomers', {}, caller);
    const deleted = await customers.call('listCustomers', { showDeleted: true }, caller);

    expect(live.customers).toHaveLength(20);
    expect(live.nextPageToken).toBeUndefined();
    expect(deleted.customers.map(({ id }) => id)).toEqual([rows[0]!.id]);
  });

  test.each(['name', 'display_name asc desc', 'display_name DESC; drop table customer', 'id', '', 'custom_fields.x'])(
    'refuses the order "%s"',
    async (orderBy) => {
      await expect(customers.names(caller, { orderBy })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        violations: [{ field: 'orderBy', reason: 'ORDER_NOT_INDEXED' }],
      });
    },
  );
});

describe('q', () => {
  test('finds every word in names, e-mail addresses, domains and phone numbers, in any case, with or without accents', async () => {
    const employee = await customers.create(
      caller,
      person({
        displayName: 'Łukasz Strauß-Ødegård',
        givenName: 'Lucas',
        emails: [{ address: 'L.S@Fundação.example' }],
        phones: [{ number: '+493012345678' }],
      }),
    );
    await customers.create(caller, company({ displayName: 'Universität 100%_Zürich \\', domains: ['uzh.example'] }));
    const finds = async (q: string) => (await customers.names(caller, { q })).map((name) => name?.slice(0, 6));

    for (const q of [
      'łukasz',
      'LUKASZ',
      'lucas',
      'strauss odegard',
      'strauß',
      'fundacao',
      '+49',
      '(3012) 345-678',
      'kasz stra',
      'st od',
    ]) {
      expect(await finds(q), q).toEqual(['Łukasz']);
    }
    for (const q of ['universitat', 'ZURICH uzh.example', '100%_', 'zurich \\ %'])
      expect(await finds(q), q).toEqual(['Univer']);
    for (const q of ['lukasz zurich', '1_0', '%ver%', 'xyz', 'sz', 'z']) expect(await finds(q), q).toEqual([]);
    expect(await finds(' ')).toHaveLength(2);
    await customers.update(caller, employee.id, { displayName: 'Ada', givenName: undefined });
    expect(await finds('lukasz')).toEqual([]);
    expect(await finds('ada')).toEqual(['Ada']);
  });

  test.each([
    ['lovelase', 'Ada Lovelace'],
    ['lovlace', 'Ada Lovelace'],
    ['lovellace', 'Ada Lovelace'],
    ['loevlace', 'Ada Lovelace'],
    ['Jonsson', 'Ann Johnson'],
    ['micheal jonson', 'Michael Jonson'],
    ['smyth', 'Will Smith'],
    ['fundaçao gmbh', 'Fundacão GmbH'],
  ])('finds %s with a typing error, and no one else', async (q, name) => {
    const names = ['Ada Lovelace', 'Ann Johnson', 'Michael Jonson', 'Will Smith', 'Ada Smits', 'Lave Lovey'];
    for (const displayName of names) await customers.create(caller, person({ displayName }));
    await customers.create(caller, company({ displayName: 'Fundacão GmbH' }));

    const found = await customers.names(caller, { q });

    expect(found).toContain(name);
    expect(found.filter((other) => other !== name && !(q === 'Jonsson' && other === 'Michael Jonson'))).toEqual([]);
  });

  test.each(['\\', "'", '? !', '&'])('refuses %s, which no index supports', async (q) => {
    await expect(customers.names(caller, { q })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'q', reason: 'QUERY_NOT_INDEXED' }],
    });
  });
});

describe('order', () => {
  test.each(['family_name', 'company_name', 'custom_fields.seats'])(
    'puts customers without a %s last in both directions',
    async (field) => {
      await defineSeats();
      const make = (displayName: string, value: number | undefined) =>
        customers.create(
          caller,
          person({
            displayName,
            ...(value !== undefined && { familyName: `n${value}`, companyName: `n${value}` }),
            ...(value !== undefined && { customFields: { seats: value } }),
          }),
        );
      await make('none 1', undefined);
      await make('two', 2);
      await make('one', 1);
      await make('none 2', undefined);
      const walked = async (orderBy: string) =>
        (await allPages({ orderBy, pageSize: 1 })).map(({ displayName }) => displayName);

      expect(await walked(field)).toEqual(['one', 'two', 'none 1', 'none 2']);
      expect(await walked(`${field} desc`)).toEqual(['two', 'one', 'none 2', 'none 1']);
    },
  );

  test.each(['family_name', 'company_name', 'custom_fields.seats'])(
    'of deleted customers does not support %s',
    async (orderBy) => {
      await defineSeats();
      await expect(customers.names(caller, { orderBy, showDeleted: true })).rejects.toMatchObject({
        violations: [{ field: 'orderBy', reason: 'ORDER_NOT_INDEXED' }],
      });
    },
  );

  async function defineSeats(): Promise<void> {
    const customField = { ...CustomField.decode(new Uint8Array()), key: 'seats', type: CustomField_Type.NUMBER };
    await customers.call('createCustomField', { customField }, caller);
  }
});

describe('total', () => {
  test('is exact, estimated or absent, as requested, and covers all pages', async () => {
    for (let index = 0; index < 3; index += 1) await customers.create(caller, person({ tags: ['x'] }));
    await customers.create(caller, person());
    const total = async (mode: TotalMode) =>
      (await customers.call('listCustomers', { filter: 'tags:x', pageSize: 1, total: mode }, caller)).totalSize;

    expect(await total(TotalMode.EXACT)).toBe(3);
    expect(await total(TotalMode.ESTIMATED)).toBeGreaterThanOrEqual(0);
    expect(await total(TotalMode.NONE)).toBeUndefined();
    expect(await total(TotalMode.UNSPECIFIED)).toBeUndefined();
  });
});

test('a page token hides the values of the order', async () => {
  for (const displayName of ['Zaphod Beeblebrox', 'Zarniwoop']) await customers.create(caller, person({ displayName }));
  const request = { orderBy: 'display_name', pageSize: 1 };

  const { nextPageToken = '' } = await customers.call('listCustomers', request, caller);

  expect(Buffer.from(nextPageToken, 'base64url').toString('latin1')).not.toMatch(/zaphod|beeblebrox/i);
  expect(await customers.names(caller, { ...request, pageToken: nextPageToken })).toEqual(['Zarniwoop']);
});
