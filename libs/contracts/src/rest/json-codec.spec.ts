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

  it('gives an enum value that it does not know as its number', () => {
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

  it('reads null as not set', () => {
    expect(codec.fromJson({ kind: 'PERSON', displayName: null, emails: null })).toMatchObject({
      displayName: undefined,
      emails: [],
    });
  });
});
