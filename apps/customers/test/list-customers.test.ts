import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { ListCustomersRequest } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { company, newCaller, person, RunningCustomers } from './running-customers.js';

const seed = 20_260_731;

let customers: RunningCustomers;
let caller: Caller;

beforeAll(async () => {
  customers = await RunningCustomers.start();
});
afterAll(() => customers.stop());
beforeEach(() => {
  caller = newCaller();
});

const orders = ['display_name', 'createTime', 'update_time'].flatMap((field) => [field, `${field} desc`]);

async function allPages(
  request: Partial<ListCustomersRequest>,
  between: (page: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<Customer[]> {
  const rows: Customer[] = [];
  let pageToken: string | undefined;
  for (let page = 0; page === 0 || pageToken !== undefined; page += 1) {
    const answer = await customers.call('listCustomers', { ...request, pageToken }, caller);
    rows.push(...answer.customers);
    pageToken = answer.nextPageToken;
    if (pageToken !== undefined) await between(page);
  }
  return rows;
}

describe('paging', () => {
  test(`meets each row that does not change exactly once while others come, change and go (seed ${seed})`, async () => {
    const names = fc.sample(fc.constantFrom('Ada', 'ada', 'Ädä', 'Bob', 'Zoë', 'Émile', '张伟', '😀', 'a b'), {
      numRuns: 90,
      seed,
    });
    const rows = await Promise.all(
      names.map((displayName, index) => customers.create(caller, person({ displayName, tags: [`t${index % 3}`] }))),
    );
    const untouched = rows.slice(0, 60);
    const touched = rows.slice(60);
    const walk = fc.record({
      orderBy: fc.constantFrom(...orders),
      pageSize: fc.integer({ min: 1, max: 25 }),
      filter: fc.constantFrom(undefined, 'tags:t1', 'NOT tags:t1', 'display_name = "A*"'),
    });

    for (const request of fc.sample(walk, { numRuns: 30, seed })) {
      const expected = untouched.filter((row) => matches(request.filter, row)).map(({ id }) => id);
      const met = await allPages(request, (page) => disturb(touched, page));
      const ids = met.map(({ id }) => id).filter((id) => untouched.some((row) => row.id === id));
      expect(ids.toSorted(), JSON.stringify(request)).toEqual(expected.toSorted());
    }
  });

  function matches(filter: string | undefined, { tags, displayName = '' }: Customer): boolean {
    if (filter === undefined) return true;
    if (filter.startsWith('display_name')) return displayName.startsWith('A');
    return tags.includes('t1') !== filter.startsWith('NOT');
  }

  /** Renames, deletes, undeletes and creates rows. Each fails at times, since another round did it already. */
  async function disturb(touched: Customer[], page: number): Promise<void> {
    const [renamed, deleted, undeleted] = [0, 1, 2].map(
      (step) => touched[(page * 3 + step) % touched.length]?.id ?? '',
    );
    await Promise.allSettled([
      customers.update(caller, renamed ?? '', { displayName: page % 2 ? 'AAA' : 'zzz' }),
      customers.delete(caller, deleted ?? ''),
      customers.call('undeleteCustomer', { id: undeleted ?? '' }, caller),
      ...(page === 0 ? [customers.create(caller, person({ displayName: 'Ada', tags: ['t1'] }))] : []),
    ]);
  }

  test('keeps one order over pages of any size, equal values by id', async () => {
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

  test('goes on with another page size, but with nothing else that differs', async () => {
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

  test('lists 20 unless told otherwise, and deleted customers only when asked for them', async () => {
    const rows = await Promise.all(Array.from({ length: 21 }, () => customers.create(caller, person())));
    await customers.delete(caller, rows[0]!.id);
    await customers.create(newCaller(), person());

    const live = await customers.call('listCustomers', {}, caller);
    const deleted = await customers.call('listCustomers', { showDeleted: true }, caller);

    expect(live.customers).toHaveLength(20);
    expect(live.nextPageToken).toBeUndefined();
    expect(deleted.customers.map(({ id }) => id)).toEqual([rows[0]!.id]);
  });

  test.each(['name', 'display_name asc desc', 'display_name DESC; drop table customer', 'id', ''])(
    'refuses the order "%s"',
    async (orderBy) => {
      await expect(customers.names(caller, { orderBy })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        violations: [{ field: 'orderBy', reason: 'ORDER_INVALID' }],
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
      'sz str',
    ]) {
      expect(await finds(q), q).toEqual(['Łukasz']);
    }
    for (const q of ['universitat', 'ZURICH uzh.example', '100%_', '\\']) expect(await finds(q), q).toEqual(['Univer']);
    for (const q of ['lukasz zurich', '1_0', '%ver%', 'xyz', "'", '?']) expect(await finds(q), q).toEqual([]);
    expect(await finds(' ')).toHaveLength(2);
    await customers.update(caller, employee.id, { displayName: 'Ada', givenName: undefined });
    expect(await finds('lukasz')).toEqual([]);
    expect(await finds('ada')).toEqual(['Ada']);
  });
});
