import { expect, test } from 'vitest';
import { companyCandidate as company, personCandidate as person } from '../../../../test/duplicate-candidates.js';
import { blockingKeys, blockingKeysMax } from './blocking-keys.js';

const ada = person({
  givenName: 'Ada',
  familyName: 'Lovelace',
  birthDate: '1815-12-10',
  emails: ['ada@lovelace.example'],
  phones: ['+442079460018'],
  addresses: [{ street: '12 St James Square', city: 'London', postalCode: 'SW1Y 4JH', countryCode: 'GB' }],
  identifiers: ['nino/QQ123456C'],
});

function shared(left: Parameters<typeof blockingKeys>[0], right: Parameters<typeof blockingKeys>[0]): string[] {
  const keys = new Set(blockingKeys(right));
  return blockingKeys(left).filter((key) => keys.has(key));
}

test('gives few keys, none empty and none twice, whatever a candidate has', () => {
  const many = Array.from({ length: 50 }, (_, index) => `ada${index}@${'x'.repeat(200)}.example`);
  const keys = blockingKeys({ ...ada, emails: many, phones: many.map((_, index) => `+44207946${1000 + index}`) });

  expect(keys).toHaveLength(blockingKeysMax);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.every((key) => key.length > 3 && key.length <= 100)).toBe(true);
  expect(keys).toEqual(expect.arrayContaining(['pn:a300+l142', 'pb:18151210']));
});

test('gives the same keys whatever the case, accents, punctuation and spelling of numbers', () => {
  const typed = {
    ...ada,
    givenName: 'ADA',
    familyName: 'Lovelacé',
    birthDate: '18151210',
    phones: ['020 7946 0018'],
    addresses: [{ street: '12, St. James Square', city: 'london', postalCode: 'sw1y4jh' }],
  };

  expect(blockingKeys(typed)).toEqual(blockingKeys(ada));
});

test('lets swapped and mistyped names meet', () => {
  const left = person({ givenName: 'Ada', familyName: 'Lovelace' });

  expect(shared(left, person({ givenName: 'Lovelace', familyName: 'Ada' }))).not.toEqual([]);
  expect(shared(left, person({ givenName: 'Adda', familyName: 'Lovelase' }))).not.toEqual([]);
  expect(shared(left, person({ displayName: 'Ada Lovelace' }))).not.toEqual([]);
});

test('lets names without Latin letters meet, and only their like', () => {
  const left = person({ givenName: '明', familyName: '李' });

  expect(shared(left, person({ givenName: '明', familyName: '李' }))).not.toEqual([]);
  expect(shared(left, person({ givenName: '伟', familyName: '王' }))).toEqual([]);
});

test('lets companies meet without their legal form', () => {
  expect(shared(company('ACME Widgets, Inc.'), company('The Acme Widgets GmbH & Co. KG'))).not.toEqual([]);
});

test('never lets a person meet a company', () => {
  const values = { displayName: 'Ada Lovelace', emails: ['ada@lovelace.example'], phones: ['+442079460018'] };

  expect(shared(person(values), company('Ada Lovelace', values))).toEqual([]);
});

test('cuts no character into halves, which PostgreSQL refuses', () => {
  const names = ['𠮷田', `${'𠮷'.repeat(200)}`];
  const candidates = names.flatMap((name) => [
    person({ givenName: name, familyName: name, emails: [`${name}@x.example`] }),
    company(`ab${name}`),
  ]);

  for (const candidate of candidates) for (const key of blockingKeys(candidate)) expect(key.isWellFormed()).toBe(true);
});
