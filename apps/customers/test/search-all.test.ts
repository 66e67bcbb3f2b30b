import { CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { SearchMatch, type SearchResult } from '@rapport/contracts/rapport/customers/v1/search_service';
import type { Caller } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { recordTypes } from '../src/engine/fields/record-type.js';
import { titleField } from '../src/engine/query/search/searched-types.js';
import { defineField } from './custom-field-requests.js';
import { company, newCaller, person, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';
import { idOf, ScopedTenant } from './scoped-tenant.js';
import { matchOf } from './search-oracle.js';

const service = await sharedCustomers();
const { TITLE, WORD_START, PART } = SearchMatch;

async function search(caller: Caller, q: string, given: { types?: string[]; pageSize?: number } = {}) {
  return service.call('search', { q, ...given }, caller);
}

async function found(caller: Caller, q: string, types: string[] = []): Promise<SearchResult[]> {
  return (await search(caller, q, { types })).results;
}

const titlesOf = (results: readonly SearchResult[]) => results.map(({ type, title }) => `${type} ${title}`);

test('every type with searchable text is searched, by its title', async () => {
  const types = [...recordTypes()].filter(({ derived }) => derived.searchText);
  // Object records of a tenant that has defined some.
  const names = types.flatMap(({ name, contract }) => (contract.parent === undefined ? name : [])).sort();
  const columns = types.map(({ contract }) => contract.fields.map(({ column }) => column));

  expect((await search(newCaller(), 'ada')).types.map(({ type }) => type)).toEqual(names);
  expect(types.map(titleField).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['displayName', 'title', 'name']),
  );
  for (const each of columns) expect(each).toContain('update_time');
});

test('a search or list is refused for too many different words', async () => {
  const caller = newCaller();
  await service.create(caller, company({ displayName: 'Acme' }));
  const words = (count: number) => Array.from({ length: count }, (_, index) => `w${index}`).join(' ');
  const refusal = { violations: [{ field: 'q', reason: 'TOO_LONG' }] };

  await expect(search(caller, words(41))).rejects.toMatchObject(refusal);
  await expect(service.call('listCustomers', { q: words(41) }, caller)).rejects.toMatchObject(refusal);
  expect((await search(caller, words(40))).results).toEqual([]);
  expect(await found(caller, 'acme '.repeat(40).trim())).toMatchObject([{ title: 'Acme' }]);
});

test('one and two letters of Chinese and Japanese are found anywhere', async () => {
  const caller = newCaller();
  for (const displayName of ['王小明', '字节跳动科技有限公司', 'Acme株式会社サービス'])
    await service.create(caller, company({ displayName }));
  const foundBy = async (q: string) => {
    const { customers } = await service.call('listCustomers', { q }, caller);
    const listed = customers.map(({ displayName }) => displayName);
    expect((await found(caller, q)).map(({ title }) => title)).toEqual(listed);
    return listed;
  };

  for (const q of ['小明', '明', '王', '王小', '小 明']) expect([q, await foundBy(q)]).toEqual([q, ['王小明']]);
  for (const q of ['科技', '有限公司', '司', '字节 公司'])
    expect([q, await foundBy(q)]).toEqual([q, ['字节跳动科技有限公司']]);
  for (const q of ['株式', 'ビス', 'サー', 'acme 会社'])
    expect([q, await foundBy(q)]).toEqual([q, ['Acme株式会社サービス']]);
  for (const q of ['明小', '王明', '技科']) expect([q, await foundBy(q)]).toEqual([q, []]);
  const tooShort = { violations: [{ field: 'q', reason: 'TOO_SHORT' }] };
  for (const q of ['a', ' é ', '1']) await expect(search(caller, q)).rejects.toMatchObject(tooShort);
});

test('whole titles come first, then prefixes of words, then the rest, across types, most recently changed first', async () => {
  const sales = new SalesTenant(service);
  const { caller } = sales;
  const pipeline = await sales.createPipeline({ name: 'Engine' });
  const gear = await service.create(caller, company({ displayName: 'Ängine' }));
  await sales.createDeal(pipeline, { title: 'Two engines' });
  await service.create(caller, company({ displayName: 'Steam-Engineers' }));
  await service.create(caller, company({ displayName: 'Wasserengine' }));
  await sales.createDeal(pipeline, { title: 'Hauptengines' });
  await service.create(caller, company({ displayName: 'Acme', domains: ['engine.example'] }));
  await service.create(caller, company({ displayName: 'Enginne' }));
  await sales.createDeal(pipeline, { title: 'Nothing' });
  await service.update(caller, gear.id, { displayName: 'ENGINE' });

  const results = await found(caller, ' engine ');

  expect(titlesOf(results)).toEqual([
    ...['customer ENGINE', 'pipeline Engine'],
    ...['customer Acme', 'customer Steam-Engineers', 'deal Two engines'],
    ...['customer Enginne', 'deal Hauptengines', 'customer Wasserengine'],
  ]);
  expect(results.map(({ match }) => match)).toEqual([
    TITLE,
    TITLE,
    WORD_START,
    WORD_START,
    WORD_START,
    PART,
    PART,
    PART,
  ]);
  expect(results.map(({ matchedField }) => matchedField)).toEqual([
    ...['displayName', 'name', 'domains', 'displayName', 'title'],
    ...[undefined, 'title', 'displayName'],
  ]);
});

test('a result shows the matched text after its title, or another text of the record', async () => {
  const sales = new SalesTenant(service);
  const { caller } = sales;
  const ada = await service.create(
    caller,
    person({
      ...{
        displayName: 'Ada Lovelace',
        givenName: 'Ada',
        familyName: 'Lovelace',
        phones: [{ number: '+493012345678' }],
      },
      emails: [{ address: 'countess@example.com' }, { address: 'math@analytical.test' }],
    }),
  );
  await sales.createDeal(await sales.createPipeline(), { title: 'Lovelace renewal', stage: 'new' });
  const shown = async (q: string) => (await found(caller, q)).map(({ title, detail }) => [title, detail]);

  expect(await shown('analytical')).toEqual([['Ada Lovelace', 'math@analytical.test']]);
  expect(await shown('030 12345678')).toEqual([['Ada Lovelace', '+493012345678']]);
  expect(await shown('lovelace')).toEqual([
    ['Lovelace renewal', 'new'],
    ['Ada Lovelace', 'countess@example.com'],
  ]);
  expect(await found(caller, 'ada love')).toEqual([
    {
      ...{ type: 'customer', id: ada.id, title: 'Ada Lovelace', detail: 'countess@example.com', match: WORD_START },
      ...{ matchedField: 'displayName', updateTime: ada.updateTime },
    },
  ]);
});

test('values of searchable custom fields are found, without naming the field', async () => {
  const caller = newCaller();
  await defineField(service, caller, 'nick', CustomField_Type.TEXT, { searchable: true });
  await service.create(caller, person({ displayName: 'Ada', customFields: { nick: 'Enchantress' } }));

  expect(await found(caller, 'enchantress')).toMatchObject([{ title: 'Ada', match: WORD_START }]);
  expect((await found(caller, 'enchantress')).map(({ matchedField }) => matchedField)).toEqual([undefined]);
});

test('each type has up to a page of results, and reports whether it has more', async () => {
  const sales = new SalesTenant(service);
  const { caller } = sales;
  const pipeline = await sales.createPipeline();
  for (const title of ['Seat 1', 'Seat 2', 'Seat 3']) await sales.createDeal(pipeline, { title });
  for (const name of ['Seat Ltd', 'Seat AG']) await service.create(caller, company({ displayName: name }));

  const { results, types } = await search(caller, 'seat', { pageSize: 2 });

  expect(titlesOf(results)).toEqual(['customer Seat AG', 'customer Seat Ltd', 'deal Seat 3', 'deal Seat 2']);
  expect(types).toEqual(
    expect.arrayContaining([
      { type: 'customer', hasMore: false },
      { type: 'deal', hasMore: true },
      { type: 'pipeline', hasMore: false },
    ]),
  );
  expect((await search(caller, 'seat', { types: ['deal'] })).types).toEqual([{ type: 'deal', hasMore: false }]);
});

test('unreadable types are omitted, and refused when named', async () => {
  const sales = new SalesTenant(service);
  const pipeline = await sales.createPipeline({ name: 'Seats' });
  await sales.createDeal(pipeline, { title: 'Seats' });
  const customer = await service.create(sales.caller, company({ displayName: 'Seats' }));
  const limited = { ...sales.caller, permissions: ['customers.read', 'pipelines.read'] };

  expect(titlesOf(await found(limited, 'seats'))).toEqual(['customer Seats', 'pipeline Seats']);
  await expect(found(limited, 'seats', ['customer', 'deal'])).rejects.toMatchObject({
    ...{ code: 'PERMISSION_DENIED', reason: 'PERMISSION_MISSING', metadata: { permission: 'deals.read' } },
  });
  await service.delete(sales.caller, customer.id);
  expect(titlesOf(await found(limited, 'seats'))).toEqual(['pipeline Seats']);
});

test.each([
  [{ q: 'a' }, 'q', 'TOO_SHORT'],
  [{ q: '--' }, 'q', 'QUERY_NOT_INDEXED'],
  [{ q: '   ' }, 'q', 'QUERY_NOT_INDEXED'],
  [{ q: 'ada', types: ['customer', 'invoice'] }, 'types[1]', 'RECORD_TYPE_UNKNOWN'],
  [{ q: 'ada', types: ['stageEntry'] }, 'types[0]', 'RECORD_TYPE_UNKNOWN'],
  [{ q: 'ada', pageSize: 51 }, 'pageSize', 'TOO_LARGE'],
])('%j is refused: %s %s', async (request, field, reason) => {
  await expect(service.call('search', request, newCaller())).rejects.toMatchObject({
    ...{ code: 'INVALID_ARGUMENT', violations: [{ field, reason }] },
  });
});

test('callers without access to personal data are refused, as in lists', async () => {
  const hiding = { ...newCaller(), hidesPii: true };

  for (const types of [[], ['pipeline']]) {
    await expect(found(hiding, 'ada', types)).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      reason: 'FIELD_HIDDEN',
    });
  }
});

/** Words that neither resemble nor contain each other, with queries that match them. */
const words = ['amber', 'brook', 'cedar', 'dunes', 'ivory', 'jolly'];
const parts = words.flatMap((word) => [word, word.slice(0, 3), word.slice(1, 4), word.slice(0, 2), word.slice(2)]);

interface Made {
  type: string;
  id: string;
  title: string;
  updateTime: string | undefined;
  /** Index of the owning caller, or 3 for the team of the second one; undefined without an owner. */
  owner: number | undefined;
}

/** The expected result, computed independently. */
function expected(made: readonly Made[], q: string, pageSize: number): object[] {
  const key = ({ updateTime, id }: Made) => `${updateTime} ${id}`;
  const byRank = made
    .map((record) => ({ record, match: matchOf(record.title, q) }))
    .filter(({ match }) => match !== undefined)
    .sort((a, b) => a.match! - b.match! || (key(a.record) < key(b.record) ? 1 : -1));
  const counts = new Map<string, number>();
  return byRank.flatMap(({ record: { type, id, title }, match }) => {
    const count = (counts.get(type) ?? 0) + 1;
    counts.set(type, count);
    return count > pageSize ? [] : [{ type, id, title, match }];
  });
}

test(
  'after any writes, each caller finds exactly the visible records, in order',
  { timeout: soakTimeoutMs },
  async () => {
    const seed = printedSeed('search-all');
    const title = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 }).map((list) => list.join(' '));
    const step = fc.record({
      kind: fc.constantFrom('create', 'create', 'create', 'rename', 'delete', 'give'),
      type: fc.constantFrom('customer', 'deal'),
      ...{ title, at: fc.nat(), owner: fc.option(fc.nat(3), { nil: undefined }) },
    });
    const query = fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 2 }).map((list) => list.join(' '));
    let searches = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 25 }),
        fc.array(fc.tuple(query, fc.integer({ min: 1, max: 5 })), { minLength: 6, maxLength: 6 }),
        async (steps, queries) => {
          const tenant = new ScopedTenant(service);
          const team = [tenant.own(), tenant.team(), tenant.own(tenant.south)];
          const sales = new SalesTenant(service, tenant.admin);
          const pipeline = await sales.createPipeline({ name: 'zz' });
          const ownerOf = (owner: number | undefined) => ({
            ownerId: owner === undefined || owner === 3 ? undefined : idOf(team[owner]!),
            ownerTeamId: owner === 3 ? tenant.north : undefined,
          });
          let made: Made[] = [];
          const put = (record: Made) => (made = [...made.filter(({ id }) => id !== record.id), record]);
          for (const { kind, type, title: given, at, owner } of steps) {
            const of = made.filter((record) => record.type === type);
            const record = of[at % of.length];
            if (kind === 'create' || !record) {
              const { id, updateTime } =
                type === 'deal'
                  ? await sales.createDeal(pipeline, { title: given, ...ownerOf(owner) })
                  : await service.create(tenant.admin, company({ displayName: given, ...ownerOf(owner) }));
              put({ type, id, title: given, updateTime, owner });
            } else if (kind === 'delete') {
              await service.call(type === 'deal' ? 'deleteDeal' : 'deleteCustomer', { id: record.id }, tenant.admin);
              made = made.filter(({ id }) => id !== record.id);
            } else {
              const name = kind === 'rename' ? given : record.title;
              const next = kind === 'give' ? owner : record.owner;
              const { updateTime } =
                type === 'deal'
                  ? await sales.updateDeal(record.id, { title: name, ...ownerOf(next) })
                  : await service.update(tenant.admin, record.id, { displayName: name, ...ownerOf(next) });
              put({ ...record, title: name, owner: next, updateTime });
            }
          }
          const types = ['customer', 'deal'];
          for (const [q, pageSize] of queries) {
            for (const [index, caller] of [...team, tenant.admin, { ...tenant.admin, tenantId: v7() }].entries()) {
              const isTheirs = ({ owner }: Made) => owner === index || (owner === 3 && index === 1);
              const seen = index === 4 ? [] : made.filter((record) => index === 3 || isTheirs(record));
              const { results } = await search(caller, q, { types, pageSize });
              const shown = results.map(({ type, id, title, match }) => ({ type, id, title, match }));
              expect(shown, `${q} by ${index}`).toEqual(expected(seen, q, pageSize));
              searches += 1;
            }
          }
        },
      ),
      { seed, numRuns: sizeOf('SEARCH_RUNS', { short: 6, long: 300 }), endOnFailure: true },
    );
    printTally('search-all', { searches });
  },
);
