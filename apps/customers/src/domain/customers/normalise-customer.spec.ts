import { Customer, CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { composeDisplayName, normaliseCustomer } from './normalise-customer.js';

const noCustomFields = new CustomFields([]);

function normalise(customer: Partial<Customer>) {
  const sent = {
    ...Customer.decode(new Uint8Array()),
    kind: CustomerKind.PERSON,
    displayName: 'Ada',
    ...customer,
  };
  return normaliseCustomer(sent, noCustomFields);
}

describe('texts', () => {
  test('are trimmed, and blank ones are absent', () => {
    const { customer } = normalise({ givenName: ' Ada ', jobTitle: ' \t', source: '\u00a0fair ' });

    expect(customer).toMatchObject({ givenName: 'Ada', jobTitle: undefined, source: 'fair' });
  });

  test('that are required in an item are refused when blank', () => {
    const { violations } = normalise({
      emails: [{ address: ' ' }],
      phones: [{ number: ' ' }],
      tags: [''],
      externalIds: [{ system: 'erp', value: ' ' }],
    });

    expect(violations.map(({ field, reason }) => [field, reason])).toEqual([
      ['phones[0].number', 'REQUIRED'],
      ['emails[0].address', 'REQUIRED'],
      ['tags[0]', 'REQUIRED'],
      ['externalIds[0].value', 'REQUIRED'],
    ]);
  });
});

describe('lists', () => {
  test('retain the first of equal items, in order', () => {
    const { customer } = normalise({
      emails: [{ address: 'Ada@X.test' }, { address: 'b@x.test' }, { address: 'ada@x.TEST', label: 'work' }],
      phones: [{ number: '+49 30 901820' }, { number: '+4930901820' }],
      tags: ['b', 'a', 'b'],
      externalIds: [
        { system: 'erp', value: '1' },
        { system: 'erp', value: '1' },
      ],
    });

    expect(customer.emails).toEqual([{ address: 'Ada@x.test' }, { address: 'b@x.test' }]);
    expect(customer.phones).toEqual([{ number: '+4930901820' }]);
    expect(customer.tags).toEqual(['b', 'a']);
    expect(customer.externalIds).toEqual([{ system: 'erp', value: '1' }]);
  });

  test('omit an address without content', () => {
    expect(normalise({ addresses: [{ city: ' ' }, { city: 'Rio' }] }).customer.addresses).toEqual([{ city: 'Rio' }]);
  });

  test('have one external id per system', () => {
    const externalIds = ['1', '2'].map((value) => ({ system: 'erp', value }));

    expect(normalise({ externalIds }).violations).toMatchObject([
      { field: 'externalIds[1].system', reason: 'DUPLICATE' },
    ]);
  });
});

describe('phone numbers', () => {
  test.each([
    ['+55 (12) 3923-5555', undefined, '+551239235555', true],
    ['030 901820', 'DE', '+4930901820', true],
    ['030 901820', undefined, '030 901820', false],
    ['030 901820', 'AQ', '030 901820', false],
    ['+453 3331 9991', 'DK', '+453 3331 9991', false],
    ['+1 201 555 0123 ext 5', undefined, '+1 201 555 0123 ext 5', true],
    ['call me at +49 30 901820', undefined, 'call me at +49 30 901820', false],
  ])('%s in %s becomes %s', (number, countryCode, expected, valid) => {
    const { customer, invalidPhones } = normalise({
      phones: [{ number: '+4930901821' }, { number }],
      addresses: [{ countryCode }, { countryCode: 'US' }],
    });

    expect(customer.phones[1]?.number).toBe(expected);
    expect(invalidPhones).toEqual(valid ? [] : [1]);
  });
});

describe('kinds', () => {
  test('a person has no domains', () => {
    expect(normalise({ domains: ['X.test'] }).violations).toMatchObject([{ field: 'domains', reason: 'NOT_ALLOWED' }]);
  });

  test('a company needs a name, and has no personal names and no employer', () => {
    const { violations } = normalise({
      kind: CustomerKind.COMPANY,
      displayName: ' ',
      givenName: 'a',
      familyName: 'b',
      companyId: 'c',
      emails: [{ address: 'info@x.test' }],
    });

    expect(violations.map(({ field }) => field)).toEqual(['givenName', 'familyName', 'companyId', 'displayName']);
  });

  test.each([CustomerKind.UNSPECIFIED, 7])('kind %i is refused', (kind) => {
    expect(normalise({ kind }).violations).toMatchObject([{ field: 'kind', reason: 'REQUIRED' }]);
  });
});

describe('the display name', () => {
  const full: Partial<Customer> = {
    displayName: undefined,
    givenName: 'Ada',
    familyName: 'Lovelace',
    emails: [{ address: 'ada@x.test' }],
    phones: [{ number: '+4930901820' }],
  };

  test.each<[Partial<Customer>, string | undefined]>([
    [full, 'Ada Lovelace'],
    [{ ...full, givenName: ' ' }, 'Lovelace'],
    [{ ...full, givenName: undefined, familyName: undefined }, 'ada@x.test'],
    [{ ...full, givenName: undefined, familyName: undefined, emails: [] }, '+4930901820'],
    [{ displayName: undefined }, undefined],
    [{ ...full, displayName: 'The Countess' }, 'The Countess'],
  ])('of a person comes from the first field that is present', (customer, expected) => {
    const { customer: normalised, violations } = normalise(customer);

    expect(normalised.displayName).toBe(expected);
    expect(violations.map(({ field }) => field)).toEqual(expected === undefined ? ['displayName'] : []);
  });

  test('never exceeds its length', () => {
    const { customer } = normalise({ ...full, givenName: '😀'.repeat(150), familyName: 'b'.repeat(150) });

    expect(Array.from(customer.displayName ?? '')).toHaveLength(300);
    expect(composeDisplayName(customer)).toBe(customer.displayName);
  });
});

test('normalization is idempotent', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.constantFrom(' a ', '030 901820', '+49 30 1'),
  );
  const option = fc.option(text, { nil: undefined });
  const customers = fc.record({
    kind: fc.constantFrom(CustomerKind.PERSON, CustomerKind.COMPANY),
    displayName: option,
    givenName: option,
    familyName: option,
    emails: fc.array(fc.record({ address: text.map((local) => `${local}@EXAMPLE.com`), label: option }), {
      maxLength: 3,
    }),
    phones: fc.array(fc.record({ number: text, label: option }), { maxLength: 3 }),
    addresses: fc.array(fc.record({ city: option, countryCode: fc.constantFrom(undefined, 'DE', 'BR') }), {
      maxLength: 2,
    }),
    domains: fc.array(text, { maxLength: 3 }),
    tags: fc.array(text, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(customers, (sent) => {
      const once = normalise(sent);
      fc.pre(once.violations.length === 0);
      expect(normaliseCustomer(once.customer, noCustomFields)).toEqual(once);
    }),
    { numRuns: 400 },
  );
});
