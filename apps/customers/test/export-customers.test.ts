import {
  CustomerKind,
  LifecycleStage,
  PostalAddress,
  type Customer,
} from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomField, CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import {
  ExportFormat,
  ImportColumn_Reason,
  type ExportCustomersRequest,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { ServiceError } from '@grpc/grpc-js';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { fromGrpcError, snakeCase } from '@rapport/contracts';
import type { Caller } from '@rapport/platform';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { csv as csvFile, ImportTenant, none, counts } from './import-tenant.js';
import { company, customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

function open(caller: Caller, request: Partial<ExportCustomersRequest>) {
  const whole = { format: ExportFormat.NDJSON, columns: [], filter: undefined, q: undefined, ...request };
  return customers.client.exportCustomers(whole, customers.metadataOf(caller));
}

async function* pieces(call: ReturnType<typeof open>): AsyncGenerator<string, void> {
  for await (const { data } of call as AsyncIterable<HttpBody>) yield Buffer.from(data).toString();
}

async function exported(caller: Caller, request: Partial<ExportCustomersRequest> = {}): Promise<string> {
  let text = '';
  try {
    for await (const piece of pieces(open(caller, request))) text += piece;
  } catch (error) {
    throw fromGrpcError(error as ServiceError);
  }
  return text;
}

function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('NDJSON contains every live customer of the tenant that matches the filter, in the order of ids', async () => {
  const [caller, other] = [newCaller(), newCaller()];
  await customers.create(other, person({ tags: ['vip'] }));
  const ada = await customers.create(caller, person({ displayName: 'Ada', tags: ['vip'] }));
  await customers.create(caller, person({ displayName: 'Bob' }));
  const { id } = await customers.create(caller, person({ displayName: 'Gone', tags: ['vip'] }));
  await customers.delete(caller, id);
  const eve = await customers.create(caller, person({ displayName: 'Eve', tags: ['vip'] }));

  const rows = jsonLines(await exported(caller, { filter: 'tags:vip' }));

  expect(rows.map((row) => row['id'])).toEqual([ada.id, eve.id]);
  expect(rows[0]).toMatchObject({ kind: 'PERSON', displayName: 'Ada', tags: ['vip'], etag: '"1"' });
});

test('columns select fields, and unknown ones are reported', async () => {
  const caller = newCaller();
  await customers.create(caller, person({ displayName: 'Ada' }));

  expect(await exported(caller, { columns: ['display_name', 'kind'] })).toBe('{"displayName":"Ada","kind":"PERSON"}\n');
  await expect(exported(caller, { columns: ['kind', 'nope'] })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'columns[1]', reason: 'UNKNOWN_FIELD' }],
  });
  await expect(exported(caller, { columns: ['id,displayName'] })).rejects.toMatchObject({
    violations: [{ field: 'columns[0]', description: 'must name one field; repeat it for each field' }],
  });
});

test('the file is a snapshot: changes made while it is read are not in it', async () => {
  const caller = newCaller();
  const batch = Array.from({ length: 1_000 }, (_, n) => ({
    customer: customerOf(person({ displayName: `Before ${n}` })),
  }));
  await customers.call('batchCreateCustomers', { batch: { items: batch, mode: 1 } }, caller);
  const file = pieces(open(caller, { columns: ['displayName'] }));
  await file.next();

  const { customers: newest } = await customers.call('listCustomers', { pageSize: 1 }, caller);
  await customers.update(caller, newest[0]!.id, { displayName: 'After' });
  await customers.create(caller, person({ displayName: 'After' }));
  let text = '';
  for await (const piece of file) text += piece;

  const names = jsonLines(text).map((row) => row['displayName']);
  expect(names).toHaveLength(1_000);
  expect(names).not.toContain('After');
});

test('a CSV export round-trips through an import', async () => {
  const caller = newCaller();
  const customField = { ...CustomField.decode(new Uint8Array()), key: 'plan', type: CustomField_Type.TEXT };
  await customers.call('createCustomField', { customField }, caller);
  const sent = person({
    displayName: 'Ada, "Countess"',
    givenName: '=Ada',
    familyName: 'Byron',
    birthDate: '1815-12-10',
    emails: [
      { address: 'ada@example.com', label: undefined },
      { address: 'b@example.com', label: undefined },
    ],
    phones: [{ number: '+493012345678', label: undefined }],
    tags: ['vip', 'line two'],
    lifecycleStage: LifecycleStage.LEAD,
    addresses: [{ ...PostalAddress.decode(new Uint8Array()), street: 'Ring 1', city: 'Köln', countryCode: 'DE' }],
    externalIds: [
      { system: 'erp', value: '4711' },
      { system: 'erp2', value: '1' },
      { system: 'shop', value: 'x/y' },
    ],
    customFields: { plan: 'gold; silver' },
  });
  const before = await customers.create(caller, sent);
  await customers.create(caller, company({ displayName: 'Engines', domains: ['example.org'] }));

  const csv = await exported(caller, { format: ExportFormat.CSV });

  expect(csv.startsWith('\ufeffkind,')).toBe(true);
  expect(csv).toContain(`'=Ada`);
  const tenant = await ImportTenant.create(customers);
  await customers.call('createCustomField', { customField }, tenant.caller);
  const answer = await tenant.importFile(
    csvFile(csvWithout(csv.slice(1).replace(`'=Ada`, '=Ada'), ['id', 'companyId', 'createTime', 'updateTime'])),
  );
  await tenant.close();
  expect(answer.issues).toEqual([]);
  expect(counts(answer)).toEqual({ ...none, created: 2 });
  const { customers: after } = await customers.call('listCustomers', { orderBy: 'display_name' }, tenant.caller);
  const [ada, engines] = after;
  const own = ['id', 'createTime', 'updateTime', 'lifecycleStageTime', 'createdBy', 'updatedBy'];
  expect(withoutFields(ada, own)).toEqual(withoutFields(before, own));
  expect(engines).toMatchObject({ kind: CustomerKind.COMPANY, domains: ['example.org'] });
});

test('a file of an earlier release with snake_case columns is imported unchanged', async () => {
  const tenant = await ImportTenant.create(customers);
  for (const key of ['plan', 'seat_plan']) {
    const customField = { ...CustomField.decode(new Uint8Array()), key, type: CustomField_Type.TEXT };
    await customers.call('createCustomField', { customField }, tenant.caller);
  }
  await customers.create(tenant.caller, {
    ...person({ displayName: 'Ada', givenName: 'Ada', familyName: 'King', jobTitle: 'Countess', source: 'fair' }),
    ...{ companyName: 'Engines', birthDate: '1815-12-10', lifecycleStage: LifecycleStage.LEAD, tags: ['vip'] },
    addresses: [{ ...PostalAddress.decode(new Uint8Array()), postalCode: '53111', countryCode: 'DE' }],
    externalIds: [{ system: 'erp', value: '4711' }],
    customFields: { plan: 'gold', seat_plan: 'many' },
  });
  const csv = (await exported(tenant.caller, { format: ExportFormat.CSV })).slice(1);
  const [head = ''] = csv.split('\r\n');
  const snakeHead = snakeCase(head);
  const old = csv.replace(head, snakeHead).replace('gold', 'silver').replace('many', 'few');

  expect(snakeHead).toContain('postal_code,country_code,external_id.erp,custom_fields.plan,custom_fields.seat_plan');
  expect(counts(await tenant.importFile(csvFile(csv.replace(head, snakeHead))))).toEqual({ ...none, unchanged: 1 });
  for (const file of [old, csv]) {
    const answer = await tenant.importFile(csvFile(file));
    expect(answer.issues).toEqual([]);
    expect(counts(answer)).toEqual({ ...none, updated: 1 });
    const taken = answer.columns.filter(({ field }) => field !== undefined);
    expect(new Set(taken.map(({ reason }) => reason))).toEqual(new Set([ImportColumn_Reason.FIELD_NAME]));
    expect(answer.columns.filter(({ field }) => field === undefined).map(({ reason }) => reason)).toEqual([
      ...[ImportColumn_Reason.SERVER_FIELD, ImportColumn_Reason.SERVER_FIELD],
    ]);
  }
  await tenant.close();
});

test('CSV has the released columns and texts, in their order', async () => {
  const caller = newCaller();
  for (const [key, type] of Object.entries({ price: CustomField_Type.MONEY, seats: CustomField_Type.NUMBER })) {
    const customField = { ...CustomField.decode(new Uint8Array()), key, type };
    await customers.call('createCustomField', { customField }, caller);
  }
  const acme = await customers.create(caller, company({ displayName: 'Acme', domains: ['acme.example', 'b.example'] }));
  const ada = await customers.create(caller, {
    ...person({
      displayName: 'Ada',
      givenName: 'Ada',
      familyName: 'King',
      birthDate: '1815-12-10',
      jobTitle: 'Countess',
    }),
    ...{ companyId: acme.id, companyName: 'Engines', ownerId: acme.id, ownerTeamId: teamId, source: 'fair' },
    lifecycleStage: LifecycleStage.LEAD,
    emails: [{ address: 'a@x.example', label: 'work' }, { address: 'b@x.example' }],
    phones: [{ number: '+493012345678', label: undefined }],
    tags: ['vip', 'a;b'],
    addresses: [
      { street: 'Ring 1', city: 'Bonn', state: 'NW', postalCode: '53111', countryCode: 'DE', label: undefined },
      { ...PostalAddress.decode(new Uint8Array()), city: 'Rom' },
    ],
    externalIds: [
      { system: 'shop', value: '2' },
      { system: 'erp', value: '1' },
    ],
    customFields: { seats: 25, price: { amount: '12.50', currencyCode: 'EUR' } },
  });

  const csv = await exported(caller, { format: ExportFormat.CSV });

  const time = ({ createTime, updateTime }: Customer) => `${createTime},${updateTime}`;
  expect(csv).toBe(
    [
      '\ufeffkind,id,displayName,givenName,familyName,birthDate,jobTitle,companyId,companyName,ownerId,' +
        'ownerTeamId,source,createTime,updateTime,lifecycleStage,email,phone,domain,tag,street,city,state,' +
        'postalCode,countryCode,externalId.erp,externalId.shop,customFields.price,customFields.seats',
      `COMPANY,${acme.id},Acme,,,,,,,,,,${time(acme)},,,,"acme.example\nb.example",,,,,,,,,,`,
      `PERSON,${ada.id},Ada,Ada,King,1815-12-10,Countess,${acme.id},Engines,${acme.id},${teamId},fair,${time(ada)},LEAD,` +
        '"a@x.example\nb@x.example",+493012345678,,"vip\n""a;b""",Ring 1,Bonn,NW,53111,DE,1,2,12.50 EUR,25',
      '',
    ].join('\r\n'),
  );
});

/** Id of a team. */
const teamId = '019ab2f4-0000-7000-8000-0000000000ad';

test('a disconnected reader releases its slot and its connection', async () => {
  const caller = newCaller();
  await customers.create(caller, person());
  for (let n = 0; n < 20; n += 1) {
    const call = open(caller, {});
    await new Promise((resolve) => call.once('data', resolve));
    const ended = new Promise((resolve) => call.once('error', resolve));
    call.cancel();
    await ended;
    await expect.poll(() => exported(caller).then(jsonLines, () => [])).toHaveLength(1);
  }
});

function withoutFields(customer: object | undefined, names: string[]): object {
  return Object.fromEntries(Object.entries(customer ?? {}).filter(([name]) => !names.includes(name)));
}

function csvWithout(csv: string, names: string[]): string {
  const [head = [], ...rows] = parse(csv);
  const kept = head.map((name) => !names.includes(name));
  const quote = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
  return [head, ...rows]
    .map((row) =>
      row
        .filter((_, index) => kept[index])
        .map(quote)
        .join(','),
    )
    .join('\r\n');
}
