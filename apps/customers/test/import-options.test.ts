import { CustomField_Type, CustomField } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { ExportFormat, ImportColumn_Reason as Reason } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { counts, csv, ImportTenant, issues, none, rowsOf } from './import-tenant.js';
import { company, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: ImportTenant;

beforeAll(async () => {
  tenant = await ImportTenant.create(customers);
});

afterAll(() => tenant.close());

test('validateOnly returns the full report and writes nothing', async () => {
  const own = await ImportTenant.create(customers);
  const ada = await customers.create(own.caller, person({ emails: [{ address: 'ada@x.example', label: undefined }] }));
  const before = await own.storedRows();
  const file = csv('name,email,phone\nAda King,ada@x.example,12\nBob,bob@x.example,\nBob,bob@x.example,\n,,');

  const tried = await own.importFile({ ...file, validateOnly: true });

  expect(counts(tried)).toEqual({ ...none, created: 1, updated: 1, joined: 1 });
  expect(issues(tried)).toEqual([
    [2, 'PHONE_INVALID', 'phones[0].number'],
    [4, 'JOINED_EARLIER_ROW', undefined],
  ]);
  expect(await own.storedRows()).toEqual(before);
  const done = await own.importFile(file);
  expect({ ...done, issues: [] }).toEqual({ ...tried, issues: [] });
  expect(await customers.get(own.caller, ada.id)).toMatchObject({ displayName: 'Ada King' });
  await own.close();
});

test('a local phone number gets the default country, unless the row or the customer has a country', async () => {
  const rows = [
    { displayName: 'No country', email: 'n@x.example', phone: '01 58801' },
    { displayName: 'Germany', email: 'g@x.example', phone: '030 12345678', country: 'Germany' },
  ];
  const answer = await tenant.importFile(rowsOf(rows, { defaultCountry: 'AT' }));

  expect(issues(answer)).toEqual([]);
  expect(await phonesOf('No country')).toEqual(['+43158801']);
  expect(await phonesOf('Germany')).toEqual(['+493012345678']);
  await tenant.importFile(rowsOf([{ displayName: 'Germany', email: 'g@x.example', phone: '030 12345678' }]));
  expect(await phonesOf('Germany')).toEqual(['+493012345678']);
});

test('dates are parsed in the language', async () => {
  const key = 'since';
  const customField = { ...CustomField.decode(new Uint8Array()), key, type: CustomField_Type.DATE };
  await customers.call('createCustomField', { customField }, tenant.caller);
  const file = csv('name,birthday,since\nGerda,10.12.1815,3. März 2026', { language: 'de' });

  expect(issues(await tenant.importFile(file))).toEqual([]);

  expect(await one('Gerda')).toMatchObject({ birthDate: '1815-12-10', customFields: { since: '2026-03-03' } });
  expect(issues(await tenant.importFile(csv('name,birthday\nHanna,10.12.1815')))).toEqual([
    [2, 'BAD_FORMAT', 'birthDate'],
  ]);
  await expect(tenant.importFile(csv('name\nIda', { language: 'xx' }))).rejects.toMatchObject({
    violations: [{ field: 'language', reason: 'LANGUAGE_UNKNOWN' }],
  });
});

test('each column is returned with the reason, and an unknown one with a suggestion', async () => {
  const header = 'Last Name,display_name,Member No,X1,X2,Customer ID,Surname,Website,Domain,since';
  const row = 'Byron,Ada,1,ada@s.example,+43 1 58801,77,B,https://w.example/a,,2026-01-01';

  const { columns } = await tenant.importFile(csv(`${header}\n${row}`, { validateOnly: true }));

  expect(columns.map(({ column, field, reason, suggestedField }) => [column, field, reason, suggestedField])).toEqual([
    ['Last Name', 'familyName', Reason.KNOWN_NAME, undefined],
    ['display_name', 'displayName', Reason.FIELD_NAME, undefined],
    ['Member No', undefined, Reason.UNKNOWN_NAME, undefined],
    ['X1', undefined, Reason.UNKNOWN_NAME, 'email'],
    ['X2', undefined, Reason.UNKNOWN_NAME, 'phone'],
    ['Customer ID', undefined, Reason.SYSTEM_MISSING, 'externalId'],
    ['Surname', undefined, Reason.FIELD_TAKEN, undefined],
    ['Website', undefined, Reason.FIELD_TAKEN, 'domain'],
    ['Domain', 'domain', Reason.KNOWN_NAME, undefined],
    ['since', 'customFields.since', Reason.CUSTOM_FIELD, undefined],
  ]);
});

test('of two columns with the same name the first one counts, and a list takes both', async () => {
  const file = csv('first name,email,first name,email\nAda,ada@t.example,Eve,ada@home.example');

  const { columns } = await tenant.importFile(file);

  expect(columns.map(({ column, field, reason }) => [column, field, reason])).toEqual([
    ['first name', 'givenName', Reason.KNOWN_NAME],
    ['email', 'email', Reason.FIELD_NAME],
    ['first name', undefined, Reason.FIELD_TAKEN],
  ]);
  expect((await tenant.stored()).at(-1)).toMatchObject({
    displayName: 'Ada',
    emails: [{ address: 'ada@t.example' }, { address: 'ada@home.example' }],
  });
});

test('ids in a file of companies are those of its rows, and persons name their companies by them', async () => {
  const own = await ImportTenant.create(customers);
  const companies = csv('Company ID,Name\n77,Acme\n78,Bolt', { kind: CustomerKind.COMPANY, externalIdSystem: 'crm' });
  const persons = csv('Email,Associated\nada@x.example,77\nbob@x.example,79', {
    map: ['Email=email', 'Associated=company.externalId.crm'],
  });

  const first = await own.importFile(companies);
  const second = await own.importFile(persons);

  expect([issues(first), counts(first)]).toEqual([[], { ...none, created: 2 }]);
  expect([issues(second), counts(second)]).toEqual([[[3, 'CUSTOMER_NOT_FOUND', 'companyId']], { ...none, created: 2 }]);
  const stored = await own.stored();
  const acme = stored.find(({ displayName }) => displayName === 'Acme');
  expect(acme?.externalIds).toEqual([{ system: 'crm', value: '77' }]);
  expect(stored.find(({ emails }) => emails[0]?.address === 'ada@x.example')?.companyId).toBe(acme?.id);
  expect(counts(await own.importFile({ ...companies, externalIdSystem: 'crm' }))).toEqual({ ...none, unchanged: 2 });
  await own.close();
});

test('a column outside of map has a suggestion too', async () => {
  const file = csv('Who,X1\nAda,ada@t.example', { map: ['Who=displayName'], validateOnly: true });

  const { columns } = await tenant.importFile(file);

  expect(columns).toEqual([
    { column: 'Who', field: 'displayName', reason: Reason.MAP, suggestedField: undefined },
    { column: 'X1', field: undefined, reason: Reason.MAP, suggestedField: 'email' },
  ]);
});

test('map accepts field names in JSON form and in snake_case', async () => {
  const map = ['First=givenName', 'Last=family_name', 'Erp=externalId.erp', 'Zip=postalCode'];
  const answer = await tenant.importFile(csv('First,Last,Erp,Zip\nAda,Lovelace,7,10115\n', { map }));

  expect(answer.columns.map(({ field }) => field)).toEqual(['givenName', 'familyName', 'externalId.erp', 'postalCode']);
  expect((await tenant.stored()).at(-1)).toMatchObject({
    displayName: 'Ada Lovelace',
    externalIds: [{ system: 'erp', value: '7' }],
    addresses: [{ postalCode: '10115' }],
  });
});

test('a row matches the customer of its id, whatever else it contains', async () => {
  const email = { address: 'old@i.example', label: undefined };
  const mine = await customers.create(tenant.caller, person({ displayName: 'Mine', emails: [email] }));
  const other = await customers.create(
    tenant.caller,
    person({ displayName: 'Other', emails: [{ ...email, address: 'other@i.example' }] }),
  );
  const gone = await customers.create(tenant.caller, person({ displayName: 'Gone' }));
  await customers.delete(tenant.caller, gone.id);

  const answer = await tenant.importFile(
    rowsOf([
      { id: mine.id.toUpperCase(), displayName: 'Renamed', email: ['new@i.example', 'other@i.example'] },
      { id: mine.id, tags: ['vip'] },
      { id: gone.id, displayName: 'Back' },
      { id: gone.id, tags: ['x'] },
      { id: '17', displayName: 'Foreign' },
    ]),
  );

  expect(counts(answer)).toEqual({ ...none, created: 2, updated: 1, joined: 1, failed: 1 });
  expect(issues(answer)).toEqual([
    [1, 'KEY_CONFLICT', 'emails[1].address'],
    [2, 'JOINED_EARLIER_ROW', undefined],
    [3, 'ID_NOT_FOUND', 'id'],
    [4, 'NAME_MISSING', 'displayName'],
  ]);
  const { displayName, tags, emails } = await customers.get(tenant.caller, mine.id);
  expect({ displayName, tags, emails }).toEqual({
    displayName: 'Renamed',
    tags: ['vip'],
    emails: [email, { address: 'new@i.example', label: undefined }],
  });
  expect(await customers.get(tenant.caller, other.id)).toEqual(other);
});

test('importing an edited export changes only the edits', async () => {
  const own = await ImportTenant.create(customers);
  const engines = await customers.create(
    own.caller,
    company({ displayName: 'Engines', domains: ['www.engines.example'] }),
  );
  const request = {
    format: ExportFormat.CSV_SEMICOLON,
    columns: ['id', 'kind', 'domains', 'tags'],
    filter: undefined,
    q: undefined,
  };
  let text = '';
  const call = customers.client.exportCustomers(request, customers.metadataOf(own.caller));
  for await (const { data } of call as AsyncIterable<HttpBody>) text += Buffer.from(data).toString();
  expect(text).toBe(`\ufeffkind;id;domain;tag\r\nCOMPANY;${engines.id};www.engines.example;\r\n`);

  const answer = await own.importFile(csv(text.replace('example;', 'example;"""a;b"", c"')));

  expect([counts(answer), issues(answer)]).toEqual([{ ...none, updated: 1 }, []]);
  expect(await own.stored()).toEqual([
    expect.objectContaining({ displayName: 'Engines', domains: ['www.engines.example'], tags: ['a;b', 'c'] }),
  ]);
  await own.close();
});

async function one(displayName: string) {
  const filter = `display_name = "${displayName}"`;
  const { customers: found } = await customers.call('listCustomers', { filter }, tenant.caller);
  expect(found).toHaveLength(1);
  return found[0]!;
}

async function phonesOf(displayName: string): Promise<string[]> {
  return (await one(displayName)).phones.map(({ number }) => number);
}
