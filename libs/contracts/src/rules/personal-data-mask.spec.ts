import { describe, expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { maskText, PersonalDataMask } from './personal-data-mask.js';

const contract = platformContract();
const mask = new PersonalDataMask(contract);

function descriptor(path: string) {
  const method = contract.method(`/rapport.customers.v1.CustomersService/${path}`);
  if (!method) throw new Error(`${path} is not in the contract.`);
  return method.desc;
}

const customer = descriptor('GetCustomer').output;

describe('personal data', () => {
  it('is hidden in every field that the contract marks, and nowhere else', () => {
    const hidden = mask.hide(customer, {
      id: '1',
      displayName: 'Ada',
      givenName: undefined,
      emails: [{ address: 'ada@example.com', label: 'work' }],
      addresses: [{ street: 'Square 1', city: 'London' }],
      tags: ['vip'],
    });

    expect(hidden).toEqual({
      id: '1',
      displayName: maskText,
      givenName: undefined,
      emails: [{ address: maskText, label: 'work' }],
      addresses: [{ street: maskText, city: 'London' }],
      phones: undefined,
      familyName: undefined,
      birthDate: undefined,
      tags: ['vip'],
    });
    expect([...mask.fieldNames(customer)]).toEqual([
      ...['displayName', 'givenName', 'familyName', 'emails', 'phones', 'addresses', 'birthDate'],
    ]);
  });

  it('is hidden in lists of messages, and a message without any is left as it is', () => {
    const { output } = descriptor('ListCustomers');
    expect(mask.hide(output, { customers: [{ displayName: 'Ada' }, {}] })).toMatchObject({
      customers: [{ displayName: maskText }, { displayName: undefined }],
    });
    const total = { total: { count: 1 }, groups: [] };
    expect(mask.hide(descriptor('AggregateCustomers').output, total)).toBe(total);
  });

  it('is hidden in a JSON object with its keys, and refused when it is sent back', () => {
    const method = contract.method('/rapport.flows.v1.FlowRunsService/GetFlowRun');
    if (!method) throw new Error('The method is not in the contract.');
    const hidden = { id: '1', input: { [maskText]: maskText }, variables: {} };
    const run = { id: '1', input: { 'ada@example.com': { seats: 2 } }, variables: {} };

    expect(mask.hide(method.desc.output, run)).toEqual(hidden);
    expect(mask.maskedPaths(method.desc.output, run)).toEqual([]);
    expect(mask.maskedPaths(method.desc.output, hidden)).toEqual(['input']);
  });

  it.each([
    ['/rapport.auth.v1.AuthService/CreateApiKey', { displayName: 'first', key: 'rpt_live_x' }],
    ['/rapport.auth.v1.OAuthClientsService/CreateOAuthClient', { displayName: 'first', secret: 'rpt_secret_x' }],
  ])('does not include credentials, which only their owner receives: %s', (path, answer) => {
    const method = contract.method(path);
    if (!method) throw new Error(`${path} is not in the contract.`);
    expect(mask.hide(method.desc.output, answer)).toEqual(answer);
  });

  it('that is sent back as a mask is found by its path', () => {
    const batch = { items: [{ customer: { displayName: 'Ada', phones: [{ number: '+1' }, { number: maskText }] } }] };
    expect(mask.maskedPaths(descriptor('BatchUpdateCustomers').input, { batch })).toEqual([
      'batch.items[0].customer.phones[1].number',
    ]);
  });
});
