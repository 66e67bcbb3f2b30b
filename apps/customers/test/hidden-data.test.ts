import { maskText } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { CustomersServiceService, ExportFormat } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { changesOf, snapshot, watch } from './change-feeds.js';
import { defineField } from './custom-field-requests.js';
import { counts, csv, ImportTenant, none } from './import-tenant.js';
import { company, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

/** Two callers of the same tenant, with and without access to personal data. */
let seeing: Caller;
let blind: Caller;

beforeEach(() => {
  seeing = newCaller();
  blind = { ...seeing, principalId: `apiKey:${v7()}`, hidesPii: true };
});

/** Values that must never reach `blind`. */
const secrets = ['Ada', 'Lovelace', '1815-12-10', 'ada@example.com', '493012345678', 'Square'];
const ada = person({
  displayName: 'Ada Lovelace',
  givenName: 'Ada',
  familyName: 'Lovelace',
  birthDate: '1815-12-10',
  emails: [{ address: 'ada@example.com', label: 'work' }],
  phones: [{ number: '+493012345678' }],
  addresses: [{ street: '12 Square', city: 'London', countryCode: 'GB' }],
  tags: ['vip'],
});

function expectHidden(answer: unknown): void {
  const text = JSON.stringify(answer);
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
}

async function allOf(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

test('hides personal data in every response, and shows the rest', async () => {
  const { id } = await customers.create(seeing, ada);
  const twin = await customers.create(seeing, { ...ada, emails: [], phones: [], addresses: [] });

  const shown = await customers.get(blind, id);
  expect(shown).toMatchObject({
    displayName: maskText,
    birthDate: maskText,
    emails: [{ address: maskText, label: 'work' }],
    phones: [{ number: maskText }],
    addresses: [{ street: maskText, city: 'London', countryCode: 'GB' }],
    tags: ['vip'],
  });
  const answers = [
    await customers.get(blind, id),
    await customers.call('getCustomer', { id, asOf: new Date().toISOString() }, blind),
    await customers.call('listCustomers', {}, blind),
    await customers.call('batchGetCustomers', { ids: [id] }, blind),
    await customers.update(blind, id, { tags: ['gold'] }),
    await customers.call('listCustomerHistory', { id }, blind),
    await customers.call('mergeCustomers', { id, merge: { mergedId: twin.id, preferMerged: [] } }, blind),
    await changesOf(customers, blind, 4),
  ];
  for (const answer of answers) expectHidden(answer);
  expect((await customers.get(seeing, id)).displayName).toBe('Ada Lovelace');
});

test('hides personal data in files and streams', async () => {
  await customers.create(seeing, ada);
  const files = [ExportFormat.NDJSON, ExportFormat.CSV].map(async (format) => {
    const request = { format, columns: [] };
    const options = { context: customers.outgoing(blind), deadlineMs: 20_000 };
    const pieces = customers.streams.stream(CustomersServiceService.exportCustomers.path, request, options);
    const bodies = (await allOf(pieces)) as HttpBody[];
    return Buffer.concat(bodies.map(({ data }) => Buffer.from(data))).toString();
  });
  for (const file of await Promise.all(files)) {
    expect(file).toContain(maskText);
    expect(file).toContain('London');
    expectHidden(file);
  }
  expectHidden(await allOf(snapshot(customers, blind)));

  const end = new AbortController();
  const events = watch(customers, blind, {}, end.signal);
  await events.next();
  await customers.create(seeing, { ...ada, emails: [] });
  const event = await events.next();
  end.abort();
  expect(event.value).toMatchObject({ change: { after: { displayName: maskText } } });
  expectHidden(event.value);
});

test('masks the repeated response for each caller', async () => {
  const first = await customers.create(seeing, ada, 'key-1');
  expect(await customers.create(seeing, ada, 'key-1')).toEqual(first);

  expect((await customers.create({ ...seeing, hidesPii: true }, ada, 'key-1')).displayName).toBe(maskText);
});

test.each([
  ['filter', { filter: 'emails:"ada@example.com"' }, 'emails'],
  ['filter', { filter: 'tags:vip AND NOT family_name = L*' }, 'familyName'],
  ['filter', { filter: 'company.displayName = "Engines"' }, 'company.displayName'],
  ['filter', { filter: 'associations.employee_of.phones:"1"' }, 'associations.employee_of.phones'],
  ['orderBy', { orderBy: 'display_name desc' }, 'displayName'],
  ['q', { q: 'ada' }, 'displayName'],
])('refuses a %s that would reveal hidden data: %j', async (parameter, request, field) => {
  await expect(customers.call('listCustomers', request, blind)).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    reason: 'FIELD_HIDDEN',
    violations: [{ field: parameter }],
    metadata: { field },
  });
});

test('refuses to test customers by hidden data', async () => {
  const { id } = await customers.create(seeing, ada);

  const test = customers.call('batchGetCustomers', { ids: [id], filter: 'emails:*' }, blind);

  await expect(test).rejects.toMatchObject({ code: 'PERMISSION_DENIED', reason: 'FIELD_HIDDEN' });
});

test('refuses to count by hidden data', async () => {
  await expect(customers.call('aggregateCustomers', { filter: 'emails:*' }, blind)).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    reason: 'FIELD_HIDDEN',
  });
});

test('allows all other fields, also a custom field with such a name', async () => {
  await defineField(customers, seeing, 'emails', CustomField_Type.TEXT);
  await customers.create(seeing, ada);

  const filter = 'tags:vip AND country_code:GB AND NOT custom_fields.emails:*';
  const { customers: found } = await customers.call('listCustomers', { filter, orderBy: 'create_time' }, blind);
  expect(found).toHaveLength(1);
});

test('never stores a mask as data', async () => {
  const { id } = await customers.create(seeing, ada);
  await expect(customers.update(blind, id, { displayName: maskText, tags: [] })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'customer.displayName', reason: 'MASKED_VALUE' }],
  });
  const written = await customers.create(blind, company({ displayName: 'Engines' }));

  expect(written.displayName).toBe(maskText);
  expect((await customers.get(seeing, written.id)).displayName).toBe('Engines');
});

test('an export with hidden data that is imported again clears nothing', async () => {
  const tenant = await ImportTenant.create(customers);
  const externalIds = [{ system: 'erp', value: '1' }];
  const before = await customers.create(tenant.caller, { ...ada, externalIds });
  const masked = Array.from({ length: 4 }, () => maskText).join(',');
  const file = `external_id.erp,display_name,given_name,phone,street,email\n1,Ada Lovelace,${masked}\n`;

  const answer = await tenant.importFile(csv(file));
  await tenant.close();

  expect(counts(answer)).toEqual({ ...none, unchanged: 1 });
  expect(await customers.get(tenant.caller, before.id)).toEqual(before);
});

test.each([
  ['text/csv', ExportFormat.CSV],
  ['application/x-ndjson', ExportFormat.NDJSON],
])('a file of %s in which data is hidden changes nothing when it is imported again', async (contentType, format) => {
  await customers.create(seeing, ada);
  await customers.create(seeing, company({ displayName: 'Ada & Co', companyName: 'Holding', domains: ['a.example'] }));
  const tenant = await ImportTenant.create(customers, blind);
  const before = await tenant.storedRows();
  const request = { format, columns: [], filter: undefined, q: undefined };
  const call = customers.client.exportCustomers(request, customers.metadataOf(blind));
  const pieces = (await allOf(call)) as HttpBody[];

  const answer = await tenant.importFile({ contentType, data: Buffer.concat(pieces.map(({ data }) => data)) });

  expect(answer).toMatchObject({ rows: 2, created: 0, failed: 0, issues: [] });
  // SELECT FOR UPDATE locks a row and changes xmax, which this ignores.
  const contents = (rows: unknown[]) => rows.map((row) => (row as { stored: string }).stored);
  expect(contents(await tenant.storedRows())).toEqual(contents(before));
  await tenant.close();
});
