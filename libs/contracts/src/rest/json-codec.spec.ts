import { describe, expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { Customer, CustomerKind, LifecycleStage } from '../gen/rapport/customers/v1/customer.js';
import { JsonCodec } from './json-codec.js';

const contract = platformContract();
const output = contract.method('/rapport.customers.v1.CustomersService/GetCustomer')?.desc.output;
if (!output) throw new Error('The contract lacks GetCustomer.');
const codec = JsonCodec.of(output, new Map());

const message = Customer.create({
  id: 'a',
  kind: CustomerKind.COMPANY,
  displayName: 'Ada',
  emails: [{ address: 'ada@example.com', label: 'work' }],
  etag: '"1"',
  createTime: '2026-01-31T09:30:00.000Z',
});

describe('JsonCodec', () => {
  it('writes enums by name, lists always, and leaves out what is not set', () => {
    expect(codec.toJson({ ...message })).toEqual({
      id: 'a',
      kind: 'COMPANY',
      displayName: 'Ada',
      emails: [{ address: 'ada@example.com', label: 'work' }],
      phones: [],
      addresses: [],
      domains: [],
      tags: [],
      externalIds: [],
      etag: '"1"',
      createTime: '2026-01-31T09:30:00.000Z',
      createdBy: '',
      updatedBy: '',
    });
  });

  it('writes an unknown enum value as its number', () => {
    expect(codec.toJson({ ...message, lifecycleStage: 99 })).toMatchObject({ lifecycleStage: '99' });
  });

  it('reads what it wrote into what ts-proto encodes', () => {
    const read = codec.fromJson(
      codec.toJson({ ...message, lifecycleStage: LifecycleStage.LEAD }),
    ) as unknown as Customer;
    expect(Customer.decode(Customer.encode(read).finish())).toEqual({
      ...message,
      lifecycleStage: LifecycleStage.LEAD,
    });
  });

  it('takes the fields that an item of a batch changes from the names in it, null included, unless the item names them', () => {
    const method = contract.method('/rapport.customers.v1.CustomersService/BatchUpdateCustomers');
    if (!method) throw new Error('The contract lacks BatchUpdateCustomers.');
    const customer = { jobTitle: 'Countess', companyId: null };
    const items = [
      { id: 'a', customer },
      { id: 'b', customer, updateMask: [] },
      { id: 'c', customer, updateMask: ['tags'] },
      { id: 'd' },
    ];

    expect(JsonCodec.of(method.desc.input, new Map()).fromJson({ batch: { items } })).toMatchObject({
      batch: {
        items: [
          { id: 'a', updateMask: ['jobTitle', 'companyId'] },
          { id: 'b', updateMask: ['jobTitle', 'companyId'] },
          { id: 'c', updateMask: ['tags'] },
          { id: 'd', updateMask: [] },
        ],
      },
    });
  });

  it('writes a message that stands for a problem as one, with pointers to the item that it is about', () => {
    const method = contract.method('/rapport.customers.v1.CustomersService/BatchCreateCustomers');
    if (!method) throw new Error('The contract lacks BatchCreateCustomers.');
    const done = { customer: undefined, problem: undefined };
    const violations = [{ field: 'customer.emails[0].a/b', reason: 'TAKEN', description: 'is taken.' }];
    const problem = { code: 'ALREADY_EXISTS', reason: 'EMAIL_TAKEN', message: 'Taken.', violations, customerId: 'a' };

    expect(JsonCodec.of(method.desc.output, new Map()).toJson({ results: [done, { ...done, problem }] })).toEqual({
      results: [
        {},
        {
          problem: {
            type: 'urn:rapport:problem:email-taken',
            title: 'Conflict',
            status: 409,
            detail: 'items.1.customer.emails.0.a~1b: is taken.',
            code: 'EMAIL_TAKEN',
            errors: [{ in: 'body', pointer: '/items/1/customer/emails/0/a~1b', code: 'TAKEN', detail: 'is taken.' }],
            metadata: { customerId: 'a' },
          },
        },
      ],
    });
  });

  it('reads null as not set', () => {
    expect(codec.fromJson({ kind: 'PERSON', displayName: null, emails: null })).toMatchObject({
      displayName: undefined,
      emails: [],
    });
  });
});
