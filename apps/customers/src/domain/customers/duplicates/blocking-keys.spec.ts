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

test('returns a limited number of distinct, non-empty keys for any candidate', () => {
  const many = Array.from({ length: 50 }, (_, index) => `ada${index}@${'x'.repeat(200)}.example`);
  const keys = blockingKeys({ ...ada, emails: many, phones: many.map((_, index) => `+44207946${1000 + index}`) });

  expect(keys).toHaveLength(blockingKeysMax);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.every((key) => key.length > 3 && key.length <= 100)).toBe(true);
  expect(keys).toEqual(expect.arrayContaining(['pn:a300+l142', 'pb:18151210']));
});

test('ignores case, accents, punctuation and the spelling of numbers', () => {
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

test('ignores the spelling of internationalized domains', () => {
  const of = (domain: string) => blockingKeys(person({ emails: [`ada@${domain}`] }));
  expect(of('bücher.example')).toEqual(of('xn--bcher-kva.example'));
  const named = (domain: string) => blockingKeys(company('Acme', { domains: [domain] }));
  expect(named('www.Bücher.example')).toEqual(named('xn--bcher-kva.example'));
});

test('gives swapped and mistyped names a shared key', () => {
  const left = person({ givenName: 'Ada', familyName: 'Lovelace' });

  expect(shared(left, person({ givenName: 'Lovelace', familyName: 'Ada' }))).not.toEqual([]);
  expect(shared(left, person({ givenName: 'Adda', familyName: 'Lovelase' }))).not.toEqual([]);
  expect(shared(left, person({ displayName: 'Ada Lovelace' }))).not.toEqual([]);
});

test('gives only equal names without Latin letters a shared key', () => {
  const left = person({ givenName: '明', familyName: '李' });

  expect(shared(left, person({ givenName: '明', familyName: '李' }))).not.toEqual([]);
  expect(shared(left, person({ givenName: '伟', familyName: '王' }))).toEqual([]);
});

test('ignores legal forms of companies', () => {
  expect(shared(company('ACME Widgets, Inc.'), company('The Acme Widgets GmbH & Co. KG'))).not.toEqual([]);
});

test('gives a person and a company no shared key', () => {
  const values = { displayName: 'Ada Lovelace', emails: ['ada@lovelace.example'], phones: ['+442079460018'] };

  expect(shared(person(values), company('Ada Lovelace', values))).toEqual([]);
});

test('never splits a surrogate pair, which PostgreSQL refuses', () => {
  const names = ['𠮷田', `${'𠮷'.repeat(200)}`];
  const candidates = names.flatMap((name) => [
    person({ givenName: name, familyName: name, emails: [`${name}@x.example`] }),
    company(`ab${name}`),
  ]);

  for (const candidate of candidates) for (const key of blockingKeys(candidate)) expect(key.isWellFormed()).toBe(true);
});
