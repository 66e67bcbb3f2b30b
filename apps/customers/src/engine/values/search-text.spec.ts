import { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { expect, test } from 'vitest';
import { fold, searchText, sortName } from './search-text.js';

test.each([
  ['Łódź Øre Straße Æsir İzmir ISTANBUL', 'lodz ore strasse aesir izmir istanbul'],
  ['ﬁancé Ⅳ ｆｕｌｌ', 'fiance iv full'],
  ['Ἀθῆναι', 'αθηναι'],
  ['北京', '北京'],
])('fold leaves out case, accents and compatibility forms of %s', (text, folded) => {
  expect(fold(text)).toBe(folded);
  expect(fold(folded)).toBe(folded);
});

test('searchText holds names once, e-mail addresses, domains and the digits of phone numbers', () => {
  const customer = {
    ...Customer.decode(new Uint8Array()),
    displayName: 'Ada Lovelace',
    givenName: 'Ada',
    familyName: 'Byron',
    emails: [{ address: 'A@B.example' }],
    domains: ['münchen.example'],
    phones: [{ number: '+49 (30) 1' }, { number: 'none' }],
  };

  expect(searchText(customer, ['Größe'])).toBe('ada lovelace byron a@b.example munchen.example 49301 grosse');
});

test('sortName fits into an index, whatever the name', () => {
  expect(Buffer.byteLength(sortName('\ufdfa'.repeat(300)))).toBeLessThan(1_000);
  expect(sortName('😀'.repeat(300)).isWellFormed()).toBe(true);
});
