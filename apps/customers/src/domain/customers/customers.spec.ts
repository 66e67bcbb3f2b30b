import { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { expect, test } from 'vitest';
import { searchText } from '@rapport/contracts/filters';
import { customers } from './customers.js';

test('the search text has each name once, e-mail addresses, domains and the digits of phone numbers', () => {
  const customer = {
    ...Customer.decode(new Uint8Array()),
    displayName: 'Ada Lovelace',
    givenName: 'Ada',
    familyName: 'Byron',
    emails: [{ address: 'A@B.example' }],
    domains: ['münchen.example'],
    phones: [{ number: '+49 (30) 1' }, { number: 'none' }],
  };

  const texts = customers.definition.searchTexts(customer);
  expect(searchText([...texts, 'Größe'])).toBe('ada lovelace byron a@b.example munchen.example 49301 grosse');
});
