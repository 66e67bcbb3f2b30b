import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Contract, platformContract, recordContracts, type RecordContract } from '@rapport/contracts';
import { FieldBehavior } from '@rapport/contracts/google/api/field_behavior';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buf, recordServices, standardMethods } from '../record-service.ts';

const root = join(import.meta.dirname, '../..');

test('the printed services in the repository are what their records are printed as', () => {
  const committed = globSync('proto/rapport/**/*.proto', { cwd: root })
    .map((path) => [path, readFileSync(join(root, path), 'utf8')] as const)
    .filter(([, text]) => text.startsWith('// Printed by'));

  expect(Object.fromEntries(committed)).toEqual(Object.fromEntries(recordServices(root)));
});

test('the released service of customers has every standard method as a printed service would have it', () => {
  const contract = platformContract();
  const record = recordOf(contract, 'rapport/Customer');
  const released = new Map(contract.methods.map((method) => [method.name, method]));

  for (const { name, http, policy, ...method } of standardMethods(contract, record)) {
    const customers = released.get(name) ?? expect.unreachable(`Customers have no ${name}.`);
    expect({ name, http: customers.http, policy: customers.policy }).toEqual({
      name,
      http: expect.objectContaining({ [http.verb]: http.path, body: http.body ?? '' }) as object,
      // Printed comments name all codes. The comments of customers are written by hand, and `errors` has the codes that they omit.
      policy: { ...policy, errors: customers.policy.errors },
    });
    expect([method.request.startsWith('stream '), method.response.startsWith('stream ')]).toEqual([
      customers.requestStream,
      customers.responseStream,
    ]);
    // The history is of the change log, and has been released with it.
    expect(customers.service.name).toBe(name === 'ListCustomerHistory' ? 'ChangeFeedService' : 'CustomersService');
  }
});

/** A workspace with the records of another package, and their printed services. */
const workspace = mkdtempSync(join(tmpdir(), 'rapport-records-'));
const folder = 'proto/rapport/sample/v1';
/** What the records of the package import, and the records that they refer to. */
const imported = ['proto/google', 'proto/rapport/api', 'proto/rapport/auth'];
/** The texts of the printed services by path, and the contract with them. */
let services: Map<string, string>;
let printed: Contract;

beforeAll(() => {
  for (const path of imported) cpSync(join(root, path), join(workspace, path), { recursive: true });
  const lint = readFileSync(join(root, 'buf.yaml'), 'utf8');
  const exception = '    RPC_REQUEST_STANDARD_NAME:\n';
  writeFileSync(join(workspace, 'buf.yaml'), lint.replace(exception, `${exception}      - ${folder}\n`));
  mkdirSync(join(workspace, folder), { recursive: true });
  const customer = readFileSync(join(root, 'proto/rapport/customers/v1/customer.proto'), 'utf8');
  const sample = customer.replace('package rapport.customers.v1', 'package rapport.sample.v1');
  writeFileSync(join(workspace, folder, 'customer.proto'), sample.replaceAll('rapport/Customer', 'rapport/Sample'));
  writeFileSync(join(workspace, folder, 'note.proto'), notes);
  services = recordServices(workspace);
  for (const [path, text] of services) writeFileSync(join(workspace, path), text);
  printed = printedContract();
});

afterAll(() => rmSync(workspace, { recursive: true }));

test('a printed file passes lint and has the form of buf, whatever its record has', () => {
  const paths = [...services.keys()].filter((path) => path.startsWith(folder));

  expect(paths.toSorted()).toEqual([
    `${folder}/customers_service.proto`,
    `${folder}/note_entries_service.proto`,
    `${folder}/notes_service.proto`,
  ]);
  expect(run('lint').toString()).toBe('');
  expect(run('format', '--diff', ...paths.flatMap((path) => ['--path', path])).toString()).toBe('');
});

test('a printed service takes and answers messages with the same fields as the released one of customers', () => {
  const contract = printed;
  const released = platformContract();
  const shapes = (of: Contract, area: string) =>
    Object.fromEntries(
      of.methods
        .filter(
          ({ path }) => path.startsWith(`/rapport.${area}.v1.CustomersService/`) || path.endsWith('CustomerHistory'),
        )
        .map(({ name, desc }) => [name, { request: shape(of, desc.input), response: shape(of, desc.output) }]),
    );

  expect(Object.keys(shapes(contract, 'sample')).toSorted()).toEqual(
    Object.keys(shapes(released, 'customers')).toSorted(),
  );
  expect(shapes(contract, 'sample')).toEqual(shapes(released, 'customers'));
});

test('records that only the service writes have methods that read, with permissions of the name that they declare', () => {
  const contract = printed;
  const methods = standardMethods(contract, recordOf(contract, 'rapport/NoteEntry'));

  expect(methods.map(({ name }) => name)).toEqual([
    'GetNoteEntry',
    'ListNoteEntries',
    'BatchGetNoteEntries',
    'AggregateNoteEntries',
    'ExportNoteEntries',
  ]);
  expect(new Set(methods.map(({ policy }) => policy.permission))).toEqual(new Set(['notes.read']));
  expect(methods.map(({ http }) => http.path)).toContain('/v1/noteEntries/{id}');
});

test('records without unique values have no upsert', () => {
  const contract = printed;
  const names = standardMethods(contract, recordOf(contract, 'rapport/Note')).map(({ name }) => name);

  expect(names).toContain('CreateNote');
  expect(names).not.toContain('UpsertNote');
});

test('lists depend on other records only when their filters may lead there, and on settings only when they have one', () => {
  const contract = printed;
  const types = ['rapport/Note', 'rapport/Sample'];
  const methods = types.flatMap((type) => standardMethods(contract, recordOf(contract, type)));
  const cacheOf = (name: string) => methods.find((method) => method.name === name)?.policy.cache;

  expect(cacheOf('ListNotes')).toMatchObject({
    tags: ['note'],
    filterTags: ['settings'],
    pathTags: ['customer', 'note_entry', 'association', 'custom_field'],
  });
  expect(cacheOf('AggregateNotes')).toEqual(cacheOf('ListNotes'));
  expect(cacheOf('BatchGetNotes')).toMatchObject({ tags: ['note:{ids}'], filterTags: ['settings'], pathTags: [] });
  expect(cacheOf('ListCustomers')).toMatchObject({
    tags: ['customer', 'custom_field'],
    pathTags: ['note', 'note_entry', 'association'],
  });
});

test('read-only records are shown by the owned records that they reference', () => {
  const contract = platformContract();
  const methods = standardMethods(contract, recordOf(contract, 'rapport/StageEntry'));

  const tags = methods.flatMap(({ policy }) => (policy.cache ? [policy.cache.tags] : []));
  expect(tags).toEqual([
    ['stage_entry:{id}', 'deal'],
    ['stage_entry', 'deal'],
    ['stage_entry:{ids}', 'deal'],
    ['stage_entry', 'deal'],
  ]);
});

test('writes invalidate what they change beside their record', () => {
  const contract = printed;
  const notes = new Map(
    standardMethods(contract, recordOf(contract, 'rapport/Note')).map(({ name, policy }) => [name, policy]),
  );
  const customers = new Map(
    standardMethods(contract, recordOf(contract, 'rapport/Sample')).map(({ name, policy }) => [name, policy]),
  );

  expect(notes.get('GetNote')?.cache?.tags).toEqual(['note:{id}']);
  expect(notes.get('UpdateNote')?.invalidates).toEqual(['note:{id}', 'note_entry']);
  expect(notes.get('ImportNotes')?.invalidates).toEqual(['note', 'note_entry']);
  expect(customers.get('DeleteCustomer')?.invalidates).toEqual(['customer:{id}']);
  expect(customers.get('UpdateCustomer')?.invalidates).toEqual(['customer:{id}']);
});

const notes = `syntax = "proto3";

package rapport.sample.v1;

import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/timestamp.proto";
import "rapport/api/v1/options.proto";

message Note {
  option (google.api.resource) = {
    type: "rapport/Note"
    pattern: "notes/{note}"
    singular: "note"
    plural: "notes"
  };
  option (rapport.api.v1.record) = {order: "update_time"};
  string id = 1 [(google.api.field_behavior) = OUTPUT_ONLY];
  string text = 2 [(google.api.field_behavior) = REQUIRED];
  string customer_id = 3 [
    (google.api.resource_reference) = {type: "rapport/Sample"},
    (rapport.api.v1.index) = {on_delete: ON_DELETE_KEEP}
  ];
  google.protobuf.Timestamp update_time = 4 [
    (google.api.field_behavior) = OUTPUT_ONLY,
    (rapport.api.v1.index) = {order: FIELD_ORDER_LIVE}
  ];
}

message NoteEntry {
  option (google.api.resource) = {
    type: "rapport/NoteEntry"
    pattern: "noteEntries/{noteEntry}"
    singular: "noteEntry"
    plural: "noteEntries"
  };
  option (rapport.api.v1.record) = {
    order: "create_time"
    read_only: true
    permission: "notes"
  };
  string id = 1;
  string note_id = 2 [(google.api.resource_reference) = {type: "rapport/Note"}];
  google.protobuf.Timestamp create_time = 3 [(rapport.api.v1.index) = {order: FIELD_ORDER_LIVE}];
}
`;

/** Fields that a printed service has on purpose otherwise. */
const intended: Readonly<Record<string, string | undefined>> = {
  // Of messages that all types share.
  customer_id: 'record_id',
  // Rows of customers are people or companies.
  'ImportCustomersRequest.kind': undefined,
  // Printed services name the field; the released one has an enum.
  'UpsertCustomerRequest.match': 'match',
};

type Message = Contract['methods'][number]['desc']['input'];
type Field = Message['fields'][number];

/** What goes over the wire, by the numbers of the fields, but for the records themselves. */
function shape(contract: Contract, { name: message, typeName, fields }: Message): unknown {
  if (typeName.startsWith('google.') || message === 'Customer' || message === 'Change') return message;
  const released = typeName.startsWith('rapport.customers.');
  return Object.fromEntries(
    fields.flatMap((field) => {
      // Records of a parent have paths of another form.
      if (contract.rules(field).pathOnly) return [];
      const path = [field.name, `${message}.${field.name}`].find((candidate) => released && candidate in intended);
      const name = path === undefined ? field.name : intended[path];
      const isChoice = message === 'UpsertCustomerRequest' && name === 'match';
      return name === undefined ? [] : [[field.number, isChoice ? name : { name, ...fieldShape(contract, field) }]];
    }),
  );
}

function fieldShape(contract: Contract, field: Field) {
  const { example: _, ...rules } = contract.rules(field);
  return {
    kind: field.fieldKind === 'list' ? field.listKind : field.fieldKind,
    isList: field.fieldKind === 'list',
    scalar: field.scalar,
    presence: field.presence,
    isRequired: contract.is(field, FieldBehavior.REQUIRED),
    rules,
    message: field.message && shape(contract, field.message),
    enum: field.enum?.values.map(({ name, number }) => [name, number]),
  };
}

function printedContract(): Contract {
  // With the users and teams that its records refer to.
  return new Contract(
    run('build', '-o', '-#format=binpb', ...[folder, 'proto/rapport/auth'].flatMap((path) => ['--path', path])),
  );
}

function recordOf(contract: Contract, wanted: string): RecordContract {
  const found = recordContracts(contract).find(({ type }) => type === wanted);
  return found ?? expect.unreachable(`There is no ${wanted}.`);
}

function run(...args: string[]): Buffer {
  return execFileSync(buf, args, { cwd: workspace, maxBuffer: 64 * 1024 * 1024 });
}
