import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, type DescriptorProto } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { Contract } from '../descriptors/load-contract.js';
import { fileDescriptorSet } from '../gen/descriptors.js';
import { allFields, recordContracts } from './record-contract.js';

/** The platform's contract with another declaration of customers. */
function changed(change: (customer: DescriptorProto) => void): Contract {
  const set = fromBinary(FileDescriptorSetSchema, fileDescriptorSet);
  const customer = set.file.flatMap(({ messageType }) => messageType).find(({ name }) => name === 'Customer');
  change(customer ?? expect.unreachable('There are no customers.'));
  return new Contract(toBinary(FileDescriptorSetSchema, set));
}

function fieldOf(customer: DescriptorProto, name: string) {
  return customer.field.find((field) => field.name === name) ?? expect.unreachable(`There is no ${name}.`);
}

test('a record has the names of its resource, its options, and its fields with their parts', () => {
  const [customer] = recordContracts(changed(() => undefined));

  expect(customer).toMatchObject({
    ...{ type: 'rapport/Customer', singular: 'customer', plural: 'customers' },
    options: { order: 'create_time', owned: true, customFields: true },
  });
  const fields = Object.fromEntries(allFields(customer?.fields ?? []).map((field) => [field.name, field]));
  expect(fields).toMatchObject({
    id: { writable: 'NEVER', isId: true, reference: undefined },
    kind: { writable: 'ONCE', column: 'kind', index: { term: 'k', group: true } },
    displayName: { writable: 'ALWAYS', column: 'display_name', isPersonal: true, isRequired: false },
    companyId: { reference: 'rapport/Customer', isId: true },
    emails: { parts: [{ name: 'address', isRequired: true, index: { unique: true } }, { name: 'label' }] },
    customFields: { parts: [] },
  });
});

test('a record without google.api.resource is refused', () => {
  const contract = changed(({ options }) => {
    // The number of google.api.resource.
    if (options) options.$unknown = options.$unknown?.filter(({ no }) => no !== 1053);
  });

  expect(() => recordContracts(contract)).toThrow('rapport.customers.v1.Customer: a record needs google.api.resource.');
});

test('two fields with one term are refused', () => {
  const contract = changed((customer) => {
    const { options } = fieldOf(customer, 'given_name');
    if (options) fieldOf(customer, 'job_title').options = options;
  });

  expect(() => recordContracts(contract)).toThrow('rapport.customers.v1.Customer: two fields have the term g.');
});
