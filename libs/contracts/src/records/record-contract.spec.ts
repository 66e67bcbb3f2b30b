import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  FileDescriptorSetSchema,
  MessageOptionsSchema,
  type DescriptorProto,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { Contract } from '../descriptors/load-contract.js';
import { fileDescriptorSet } from '../gen/descriptors.js';
import { ResourceReference } from '../gen/google/api/resource.js';
import { FieldIndex, OnDelete, OnErase, OnMerge, RecordOptions } from '../gen/rapport/api/v1/options.js';
import { allFields, recordContracts } from './record-contract.js';

/** Numbers of the options. */
const option = { resource: 1053, reference: 1055, record: 50004, index: 50005 };

/** The platform's contract with another declaration of customers, which are its only records: they need no others. */
function changed(change: (customer: DescriptorProto, file: FileDescriptorProto) => void): Contract {
  const set = fromBinary(FileDescriptorSetSchema, needed);
  const file = set.file.find(({ name }) => name === customerFile);
  const customer = file?.messageType.find(({ name }) => name === 'Customer');
  if (!file || !customer) return expect.unreachable('There are no customers.');
  change(customer, file);
  return new Contract(toBinary(FileDescriptorSetSchema, set));
}

const customerFile = 'rapport/customers/v1/customer.proto';
/** The files of customers, of the users and teams that they refer to, and of what these import: the others take most of the time. */
const needed = withoutOtherRecords();

function withoutOtherRecords(): Uint8Array {
  const set = fromBinary(FileDescriptorSetSchema, fileDescriptorSet);
  set.file = set.file.filter(({ name }) => name === customerFile || !/^rapport\/(?!api\/|auth\/)/.test(name));
  return toBinary(FileDescriptorSetSchema, set);
}

function fieldOf(customer: DescriptorProto, name: string) {
  return customer.field.find((field) => field.name === name) ?? expect.unreachable(`There is no ${name}.`);
}

/** The platform's contract with other options of the records of customers. */
function declared(options: Partial<RecordOptions>): Contract {
  return changed((customer) => {
    customer.options ??= create(MessageOptionsSchema);
    const bytes = RecordOptions.encode(RecordOptions.fromPartial({ order: 'create_time', ...options })).finish();
    setOption(customer.options, option.record, bytes);
  });
}

/** The platform's contract with another index of a field of customers. */
function indexed(name: string, index: Partial<FieldIndex>): Contract {
  return changed((customer) => {
    const field = fieldOf(customer, name);
    field.options ??= create(FieldOptionsSchema);
    setOption(field.options, option.index, FieldIndex.encode(FieldIndex.fromPartial(index)).finish());
  });
}

function setOption(options: Pick<DescriptorProto, '$unknown'>, no: number, bytes: Uint8Array): void {
  const data = new BinaryWriter().bytes(bytes).finish();
  const others = options.$unknown?.filter((unknown) => unknown.no !== no) ?? [];
  options.$unknown = [...others, { no, wireType: WireType.LengthDelimited, data }];
}

test('a record has the names of its resource, its options, and its fields with their parts', () => {
  const [customer] = recordContracts(changed(() => undefined));

  expect(customer).toMatchObject({
    ...{ type: 'rapport/Customer', singular: 'customer', plural: 'customers', permission: 'customers' },
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
    if (options) options.$unknown = options.$unknown?.filter(({ no }) => no !== option.resource);
  });

  expect(() => recordContracts(contract)).toThrow('rapport.customers.v1.Customer: a record needs google.api.resource.');
});

test('two fields with one term are refused', () => {
  const contract = changed((customer) => {
    const { options } = fieldOf(customer, 'given_name');
    if (options) fieldOf(customer, 'job_title').options = options;
  });

  expect(() => recordContracts(contract)).toThrow(
    /^rapport\.customers\.v1\.Customer: given_name and job_title have the term g\. Taken: .*\bg\b/,
  );
});

test('calls need permissions of another name if the record declares it', () => {
  const [customer] = recordContracts(declared({ permission: 'people' }));

  expect(customer?.permission).toBe('people');
});

test('a field can refer to a resource that is no record, which is no reference of the record then', () => {
  const [customer] = recordContracts(changed(() => undefined));
  expect(customer?.fields.find(({ column }) => column === 'owner_id')?.reference).toBeUndefined();

  const lost = changed((message) => {
    const field = fieldOf(message, 'owner_id');
    field.options ??= create(FieldOptionsSchema);
    setOption(
      field.options,
      option.reference,
      ResourceReference.encode({ type: 'rapport/Usr', childType: '' }).finish(),
    );
  });
  expect(() => recordContracts(lost)).toThrow('owner_id refers to rapport/Usr, which is no resource.');
});

test('a subject must be a reference', () => {
  const refusal = 'rapport.customers.v1.Customer: subject names "owner_id", which is no reference.';

  expect(() => recordContracts(declared({ subject: 'owner_id' }))).toThrow(refusal);
  expect(recordContracts(declared({ subject: 'company_id' }))[0]?.options.subject).toBe('company_id');
});

test.each(['', 'given_name', 'nothing'])('the order "%s" is refused: no field of that name has an order', (order) => {
  expect(() => recordContracts(declared({ order }))).toThrow(
    `rapport.customers.v1.Customer: order names "${order}", which is no field with an order.`,
  );
});

test.each([{ onDelete: OnDelete.RESTRICT }, { onMerge: OnMerge.KEEP }, { onErase: OnErase.REMOVE }])(
  'a rule about references needs a field that is a reference: %j',
  (rule) => {
    expect(() => recordContracts(indexed('source', rule))).toThrow(
      'rapport.customers.v1.Customer: source has on_delete, on_merge or on_erase, but is no reference.',
    );
    expect(allFields(recordContracts(indexed('company_id', rule))[0]?.fields ?? [])).toContainEqual(
      expect.objectContaining({ column: 'company_id', index: FieldIndex.fromPartial(rule) }),
    );
  },
);

test.each(['source', 'kind', 'tags', 'custom_fields'])('a sum of %s, which is no number, is refused', (name) => {
  expect(() => recordContracts(indexed(name, { sum: true }))).toThrow(
    `rapport.customers.v1.Customer: ${name} has sum, but is neither a number nor Money.`,
  );
});

test.each([
  { type: FieldDescriptorProto_Type.INT32 },
  { type: FieldDescriptorProto_Type.MESSAGE, typeName: '.rapport.api.v1.Money' },
])('a sum of a number or of money is taken: %j', (value) => {
  const contract = changed((customer, file) => {
    file.dependency.push('rapport/api/v1/records.proto');
    const field = Object.assign(fieldOf(customer, 'merged_into_id'), value, { options: create(FieldOptionsSchema) });
    setOption(field.options, option.index, FieldIndex.encode(FieldIndex.fromPartial({ sum: true })).finish());
  });

  expect(allFields(recordContracts(contract)[0]?.fields ?? [])).toContainEqual(
    expect.objectContaining({ column: 'merged_into_id', index: FieldIndex.fromPartial({ sum: true }) }),
  );
});
