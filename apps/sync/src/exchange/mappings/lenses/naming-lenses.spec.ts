import { describe, expect, it } from 'vitest';
import { optionLens, ownerLens } from './naming-lenses.js';
import { countryLens } from './postal-address.js';

const ada = '019ab2f4-0000-7000-8000-000000000001';
const apiKey = '019ab2f4-0000-7000-8000-000000000009';
const users = {
  emailOf: (id: string) => (id === ada ? 'ada@example.com' : undefined),
  idOf: (email: string) => (email === 'ada@example.com' ? ada : undefined),
};

describe('an owner', () => {
  const lens = ownerLens(users);

  it('is the e-mail address of a user on the other side, or the id', () => {
    expect(lens.ofCustomer(ada)).toBe('ada@example.com');
    expect(lens.ofPeer(' Ada@Example.com ')).toBe('ada@example.com');
    expect(lens.ofPeer(ada)).toBe('ada@example.com');
    expect(lens.toCustomer('ada@example.com', null)).toBe(ada);
    expect(lens.toPeer('ada@example.com', ada)).toBe(ada);
    expect(lens.toPeer('ada@example.com', null)).toBe('ada@example.com');
  });

  it('that is no user does not fit', () => {
    expect(lens.faults?.('grace@example.com')).toHaveLength(1);
    expect(lens.faults?.(apiKey)).toHaveLength(1);
    expect(lens.faults?.('ada@example.com')).toEqual([]);
    expect(lens.faults?.(null)).toEqual([]);
  });

  it('of the customer that is no user is seen by its id', () => {
    expect(lens.ofCustomer(apiKey)).toBe(apiKey);
  });
});

describe('an option', () => {
  const stageLens = optionLens(['LEAD', 'FORMER_CUSTOMER']);

  it.each(['FORMER_CUSTOMER', 'former customer', ' Former-Customer '])('is known by its name %j', (text) => {
    expect(stageLens.ofPeer(text)).toBe('FORMER_CUSTOMER');
    expect(stageLens.toPeer('FORMER_CUSTOMER', text)).toBe(text);
  });

  it('that is none does not fit', () => {
    expect(stageLens.faults?.('prospect')).toHaveLength(1);
    expect(stageLens.faults?.('LEAD')).toEqual([]);
  });
});

describe('a country', () => {
  it.each([
    ['at', 'AT'],
    ['Austria', 'AT'],
    ['Österreich', 'AT'],
    ['The Netherlands', 'NL'],
    ['USA', 'US'],
    ['Deutschland', 'DE'],
  ])('%j is %s', (text, code) => {
    expect(countryLens.ofPeer(text)).toBe(code);
    expect(countryLens.toPeer(code, text)).toBe(text);
  });

  it('that is not known does not fit', () => {
    expect(countryLens.faults?.('Gondor')).toHaveLength(1);
    expect(countryLens.faults?.('AT')).toEqual([]);
  });
});
