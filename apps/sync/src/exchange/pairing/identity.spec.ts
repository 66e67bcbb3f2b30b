import { expect, test } from 'vitest';
import { keysOf, likeness, type Identity } from './identity.js';
import { nameWords } from './name-likeness.js';

function person(name: string, more: Partial<Identity> & { email?: string } = {}): Identity {
  const { email, ...rest } = more;
  const unique = new Map([['emails', email === undefined ? [] : [email]]]);
  return { name: nameWords(name), birthDate: undefined, phones: [], externalId: undefined, unique, ...rest };
}

test.each([
  ['the same address and name', person('Ada Lovelace', { email: 'a@x' }), person('Ada Lovelace', { email: 'a@x' }), 2],
  [
    'the same address, a typing error',
    person('Ada Lovelace', { email: 'a@x' }),
    person('Ada Lovlace', { email: 'a@x' }),
    2,
  ],
  ['the same address, no name', person('Ada Lovelace', { email: 'a@x' }), person('', { email: 'a@x' }), 2],
  [
    'the same address, another name',
    person('Ada Lovelace', { email: 'a@x' }),
    person('Grace Hopper', { email: 'a@x' }),
    1,
  ],
  [
    'father and son with one address',
    person('Jan Novák', { email: 'a@x', birthDate: '1950-03-01' }),
    person('Jan Novák', { email: 'a@x', birthDate: '1980-07-11' }),
    1,
  ],
  ['the same name', person('Ada Lovelace'), person('Ada Lovelace', { email: 'b@x' }), 1],
  ['the same phone', person('Ada', { phones: ['20794600'] }), person('Grace', { phones: ['20794600'] }), 1],
  ['the same external id, another name', person('Ada', { externalId: '7' }), person('Grace', { externalId: '7' }), 3],
  ['other words', person('Ada Lovelace'), person('Grace Hopper'), undefined],
  ['one word in common', person('Ada Lovelace'), person('Ada Hopper'), undefined],
  [
    'the same name, born at another time',
    person('Jan Novák', { birthDate: '1950-03-01' }),
    person('Jan Novák', { birthDate: '1980-07-11' }),
    1,
  ],
])('%s', (_, customer, record, grade) => {
  expect(likeness(customer, record)?.grade).toBe(grade);
});

test('the more agrees, the higher is the score', () => {
  const ada = person('Ada Lovelace', { email: 'a@x', phones: ['20794600'] });
  const scores = [person('Ada Lovelace'), person('Ada Lovelace', { phones: ['20794600'] }), ada].map(
    (record) => likeness(ada, record)?.score ?? 0,
  );
  expect(scores).toEqual([...scores].sort((one, other) => one - other));
  expect(new Set(scores).size).toBe(3);
});

test('an error in one word of a name leaves a key', () => {
  const shared = (one: string, other: string) =>
    keysOf(person(one)).filter((key) => keysOf(person(other)).includes(key)).length;
  expect(shared('Mitchell Green', 'Mitchell Xreen')).toBeGreaterThan(0);
  expect(shared('Mitchell Green', 'Mitchell Greex')).toBeGreaterThan(0);
  expect(shared('Mitchell Green', 'Mitchel Grene')).toBeGreaterThan(0);
});
