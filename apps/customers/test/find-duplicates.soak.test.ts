import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { BatchMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { DuplicatePair } from '@rapport/contracts/rapport/customers/v1/merges_service';
import type { Caller } from '@rapport/platform';
import { sizeOf, soakTimeoutMs } from '@rapport/testing';
import { parse } from 'csv-parse/sync';
import { beforeEach, expect, test, vi } from 'vitest';
import { TermFrequencies } from '../src/domain/customers/duplicates/term-frequencies.js';
import { Turns } from '../src/engine/pace/bulk-pace.js';
import { copyCustomer } from './seeded-tenant.js';
import { company, customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

const ada = {
  kind: CustomerKind.PERSON,
  givenName: 'Ada',
  familyName: 'Lovelace',
  birthDate: '1815-12-10',
  phones: [{ number: '+493012345678', label: undefined }],
};

function find(id: string, request: { minScore?: number; pageSize?: number } = {}) {
  return customers.call('findDuplicates', { id, ...request }, caller).then(({ duplicates }) => duplicates);
}

/** All pairs, and the number of pages. */
async function walkPages(request: { minScore?: number; pageSize?: number }): Promise<[DuplicatePair[], number]> {
  const pairs: DuplicatePair[] = [];
  let pages = 0;
  let pageToken: string | undefined;
  do {
    const page = await customers.call('listDuplicates', { ...request, pageToken }, caller);
    pairs.push(...page.pairs);
    pages += 1;
    pageToken = page.nextPageToken;
  } while (pageToken);
  return [pairs, pages];
}

async function walk(request: { minScore?: number; pageSize?: number }): Promise<DuplicatePair[]> {
  const [pairs] = await walkPages(request);
  return pairs;
}

test('finds the most probable duplicates first, with evidence for and against', async () => {
  const first = await customers.create(caller, { ...ada, jobTitle: 'Analyst' });
  const typo = await customers.create(caller, { ...ada, givenName: 'Ana', phones: [] });
  const same = await customers.create(caller, ada);
  await customers.create(caller, { kind: CustomerKind.PERSON, givenName: 'Charles', familyName: 'Babbage' });
  await customers.create(caller, company({ displayName: 'Ada Lovelace' }));

  const duplicates = await find(first.id);

  expect(duplicates.map(({ customer }) => customer)).toEqual([same, typo]);
  expect(duplicates[0]?.score).toBeGreaterThan(duplicates[1]?.score ?? 100);
  expect(duplicates[0]?.score).toBeLessThanOrEqual(100);
  expect(duplicates[1]?.evidence).toContainEqual({
    field: 'givenName',
    level: 'SIMILAR',
    weight: expect.any(Number) as number,
    left: 'Ada',
    right: 'Ana',
  });
  expect(await find(first.id, { pageSize: 1 })).toHaveLength(1);
  const second = duplicates[1]?.score ?? 0;
  expect(await find(first.id, { minScore: Math.ceil(second + 0.01) })).toHaveLength(1);
});

test('reflects a change at once, and excludes deleted, merged and other tenants’ customers', async () => {
  const first = await customers.create(caller, ada);
  const second = await customers.create(caller, { ...person(), displayName: 'Nobody In Particular' });
  await customers.create(newCaller(), ada);
  expect(await find(first.id)).toEqual([]);

  const { kind: _, ...changes } = ada;
  await customers.update(caller, second.id, changes);
  expect((await find(first.id)).map(({ customer }) => customer?.id)).toEqual([second.id]);
  await customers.delete(caller, second.id);
  expect(await find(first.id)).toEqual([]);
  await expect(find(second.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  caller = newCaller();
  await expect(find(first.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a term shared by too many finds none of them', async () => {
  const batch = Array.from({ length: 600 }, () => ({
    customer: customerOf({ kind: CustomerKind.PERSON, givenName: 'John', familyName: 'Smith' }),
  }));
  const { results } = await customers.call(
    'batchCreateCustomers',
    { batch: { items: batch, mode: BatchMode.ATOMIC } },
    caller,
  );

  expect(await find(results[0]?.customer?.id ?? '', { minScore: 1 })).toEqual([]);
});

test('lists each pair once, for any page size', async () => {
  for (const name of ['Ada', 'Grace', 'Alan']) {
    for (let copy = 0; copy < 3; copy += 1) {
      const number = `+49301234567${name.length}`;
      await customers.create(caller, {
        ...ada,
        givenName: name,
        familyName: `${name}son`,
        phones: [{ number, label: undefined }],
      });
    }
  }
  const ids = (pairs: DuplicatePair[]) => pairs.map(({ leftId, rightId }) => `${leftId} ${rightId}`).toSorted();

  const all = await walk({ minScore: 90 });
  expect(new Set(ids(all)).size).toBe(9);
  expect(all).toHaveLength(9);
  for (const { leftId, rightId, score } of all) {
    expect(leftId < rightId).toBe(true);
    expect(score).toBeGreaterThanOrEqual(90);
  }
  for (const pageSize of [1, 2, 4]) expect(ids(await walk({ minScore: 90, pageSize }))).toEqual(ids(all));
  const { nextPageToken } = await customers.call('listDuplicates', { minScore: 90, pageSize: 2 }, caller);
  await expect(
    customers.call('listDuplicates', { minScore: 91, pageSize: 2, pageToken: nextPageToken }, caller),
  ).rejects.toMatchObject({ violations: [{ field: 'pageToken' }] });
});

test('ends a page after 5,000 comparisons of customers that share a name, and lists each pair once', async () => {
  const items = Array.from({ length: 150 }, (_, index) => {
    const place = index % 140;
    const birthDate = `${1880 + place}-02-03`;
    const phones = [{ number: `+4930123${1_000 + place}`, label: undefined }];
    return { customer: customerOf({ ...ada, birthDate, phones }) };
  });
  const { results } = await customers.call(
    'batchCreateCustomers',
    { batch: { items, mode: BatchMode.ATOMIC } },
    caller,
  );
  const ids = results.map(({ customer }) => customer?.id ?? '');
  const twins = ids.slice(140).map((id, place) => [ids[place] ?? '', id].toSorted().join(' '));

  const [pairs, pages] = await walkPages({ minScore: 90 });
  expect(pairs.map(({ leftId, rightId }) => `${leftId} ${rightId}`).toSorted()).toEqual(twins.toSorted());
  // 150 * 149 / 2 comparisons.
  expect(pages).toBe(3);
});

test('lets other calls have their turn while it counts the values of a workspace', async () => {
  const grace = { kind: CustomerKind.PERSON, givenName: 'Grace', familyName: 'Hopper', birthDate: '1906-12-09' };
  const [one, other] = [await customers.create(caller, grace), await customers.create(caller, grace)];
  await copyCustomer(customers, (await customers.create(caller, ada)).id, 4_000);
  const turns = vi.spyOn(Turns.prototype, 'next');

  expect((await find(one.id)).map(({ customer }) => customer?.id)).toEqual([other.id]);
  // One may be before the comparison.
  expect(turns.mock.calls.length).toBeGreaterThan(1);
  turns.mockRestore();
});

test('compares at most 1,000 customers, first those that share rare values', async () => {
  const addresses = [{ street: '12 St James Square', label: undefined }];
  const { phones, ...named } = ada;
  const twin = await customers.create(caller, {
    kind: CustomerKind.PERSON,
    givenName: 'Ada',
    familyName: 'Lovelase',
    birthDate: ada.birthDate,
    phones,
  });
  const sharing = [
    { givenName: 'Ada', familyName: 'Lovelace' },
    { givenName: 'Charles', familyName: 'Babbage', birthDate: ada.birthDate },
    { givenName: 'Grace', familyName: 'Hopper', addresses },
  ];
  for (const values of sharing) {
    const { id } = await customers.create(caller, { kind: CustomerKind.PERSON, ...values });
    await copyCustomer(customers, id, 400);
  }
  const { id } = await customers.create(caller, { ...named, phones, addresses });
  const comparisons = vi.spyOn(TermFrequencies.prototype, 'beside');

  expect((await find(id, { minScore: 1 })).map(({ customer }) => customer?.id)).toContain(twin.id);
  expect(comparisons).toHaveBeenCalledTimes(1_000);
  comparisons.mockRestore();
});

/** Persons of the sample, with 5,000 records of 2,000 persons. */
const persons = sizeOf('DUPLICATES_PERSONS', { short: 400, long: 2_000 });

test('finds nine of ten true pairs of thousands of records, with few others', { timeout: soakTimeoutMs }, async () => {
  const all = parse<Record<string, string>>(
    readFileSync(join(import.meta.dirname, 'samples/febrl-dataset3-5000.csv')),
    { columns: true, trim: true },
  );
  const rows = all.filter((row) => Number(row['rec_id']?.split('-')[1]) < persons);
  const entityOf = new Map<string, string>();
  for (let start = 0; start < rows.length; start += 1_000) {
    const slice = rows.slice(start, start + 1_000);
    const items = slice.map((row) => ({ customer: customerOf(febrlPerson(row)) }));
    const { results } = await customers.call(
      'batchCreateCustomers',
      { batch: { items, mode: BatchMode.ATOMIC } },
      caller,
    );
    for (const [index, { customer }] of results.entries()) {
      entityOf.set(customer?.id ?? '', slice[index]?.['rec_id']?.split('-')[1] ?? '');
    }
  }
  const pairs = await walk({ minScore: 50 });

  const right = pairs.filter(({ leftId, rightId }) => entityOf.get(leftId) === entityOf.get(rightId)).length;
  const sizes = new Map<string, number>();
  for (const entity of entityOf.values()) sizes.set(entity, (sizes.get(entity) ?? 0) + 1);
  const truePairs = [...sizes.values()].reduce((sum, size) => sum + (size * (size - 1)) / 2, 0);
  expect(right / truePairs).toBeGreaterThan(0.9);
  expect(right / pairs.length).toBeGreaterThan(0.9);
});

/** Blank means absent. */
function given(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

function febrlPerson(row: Record<string, string>): Partial<Customer> {
  const day = row['date_of_birth'] ?? '';
  const birthDate = `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}`;
  const address = {
    street: given(`${row['street_number'] ?? ''} ${row['address_1'] ?? ''}`.trim()),
    city: given(row['suburb']),
    state: given(row['state']),
    postalCode: given(row['postcode']),
    countryCode: undefined,
    label: undefined,
  };
  return {
    kind: CustomerKind.PERSON,
    displayName: row['rec_id'],
    givenName: given(row['given_name']),
    familyName: given(row['surname']),
    birthDate: Number.isNaN(Date.parse(birthDate)) ? undefined : birthDate,
    addresses: [address],
  };
}

test('finds duplicates among many that share their most common term', async () => {
  const tom = { kind: CustomerKind.PERSON, givenName: 'Tom', familyName: 'Tall', birthDate: '1970-01-01' };
  await copyCustomer(customers, (await customers.create(caller, tom)).id, 11_000);
  const grace = { kind: CustomerKind.PERSON, givenName: 'Grace', familyName: 'Hopperschmidt', birthDate: '1970-01-01' };
  const one = await customers.create(caller, grace);
  const other = await customers.create(caller, grace);

  expect((await find(one.id)).map(({ customer }) => customer?.id)).toEqual([other.id]);
});
