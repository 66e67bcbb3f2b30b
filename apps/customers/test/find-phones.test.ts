import { PostalAddress } from '@rapport/contracts/rapport/customers/v1/customer';
import { beforeAll, expect, test } from 'vitest';
import { newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();
const caller = newCaller();

beforeAll(async () => {
  const address = { ...PostalAddress.decode(new Uint8Array()), countryCode: 'AT' };
  const phones = (number: string) => [{ number, label: undefined }];
  const ada = await customers.create(
    caller,
    person({ displayName: 'Ada', addresses: [address], phones: phones('01 58801') }),
  );
  expect(ada.phones[0]?.number).toBe('+43158801');
  await customers.create(caller, person({ displayName: 'Bob', phones: phones('01 58801') }));
  await customers.create(caller, person({ displayName: 'Eve', phones: phones('+1 212 555 0100') }));
});

test.each([
  ['01 58801', ['Ada', 'Bob']],
  ['01/58801', ['Ada', 'Bob']],
  ['+43 1 58801', ['Ada']],
  ['0043 1 58801', ['Ada']],
  ['+43 (0)1 58801', ['Ada']],
  ['(212) 555-0100', ['Eve']],
  ['58801', []],
])('a number is found as typed and as stored: %s', async (typed, names) => {
  const filter = `phones:${JSON.stringify(typed)}`;
  expect((await customers.names(caller, { filter })).toSorted()).toEqual(names);
});

test.each([
  ['01 58801', ['Ada', 'Bob']],
  ['0158801', ['Ada', 'Bob']],
  ['+43158801', ['Ada']],
  ['0043158801', ['Ada']],
  ['+43(0)158801', ['Ada']],
  ['58801', ['Ada', 'Bob']],
])('q finds a number as typed and as stored: %s', async (q, names) => {
  expect((await customers.names(caller, { q })).toSorted()).toEqual(names);
});
