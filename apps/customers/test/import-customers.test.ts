import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceError } from '@grpc/grpc-js';
import { fromGrpcError, writeCallMetadata } from '@rapport/contracts';
import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  ImportIssue_Severity as Severity,
  type ImportCustomersRequest,
  type ImportCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { company, newCaller, person, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let database: pg.Client;
let caller: Caller;

beforeAll(async () => {
  customers = await RunningCustomers.start();
});
afterAll(() => customers.stop());
beforeEach(async () => {
  caller = newCaller();
  database = new pg.Client({ connectionString: customers.urls.ownerUrl });
  await database.connect();
  await database.query(`select set_config('app.tenant_id', $1, false)`, [caller.tenantId]);
});
afterEach(() => database.end());

const sample = (name: string) => readFile(join(import.meta.dirname, 'samples', name));

interface File {
  contentType: string;
  data: string | Uint8Array;
  map?: string[];
  kind?: CustomerKind;
  externalIdSystem?: string;
  pieceSize?: number;
}

const csv = (data: string | Uint8Array, more: Partial<File> = {}): File => ({ contentType: 'text/csv', data, ...more });
const rowsOf = (rows: object[], more: Partial<File> = {}): File => ({
  contentType: 'application/x-ndjson',
  data: rows.map((row) => JSON.stringify(row)).join('\n'),
  ...more,
});

function* messages({
  contentType,
  data,
  map = [],
  pieceSize = 30_000,
  ...more
}: File): Generator<ImportCustomersRequest> {
  const bytes = Buffer.from(data);
  const parameters = { map, kind: more.kind ?? CustomerKind.UNSPECIFIED, externalIdSystem: more.externalIdSystem };
  for (let start = 0; start === 0 || start < bytes.length; start += pieceSize) {
    const file = {
      contentType: start === 0 ? contentType : '',
      data: bytes.subarray(start, start + pieceSize),
      extensions: [],
    };
    yield {
      file,
      ...(start === 0 ? parameters : { map: [], kind: CustomerKind.UNSPECIFIED, externalIdSystem: undefined }),
    };
  }
}

function open(settle: (error: ServiceError | null, answer?: ImportCustomersResponse) => void, as = caller) {
  const metadata = writeCallMetadata({ requestId: v7(), caller: as });
  return customers['client'].importCustomers(metadata, { deadline: Date.now() + 60_000 }, settle);
}

function importFile(file: File, as = caller): Promise<ImportCustomersResponse> {
  return new Promise((resolve, reject) => {
    const call = open((error, answer) => (error ? reject(fromGrpcError(error)) : resolve(answer!)), as);
    for (const message of messages(file)) call.write(message);
    call.end();
  });
}

function counts({ rows, created, updated, unchanged, joined, failed }: ImportCustomersResponse) {
  expect(created + updated + unchanged + joined + failed).toBe(rows);
  return { created, updated, unchanged, joined, failed };
}

const none = { created: 0, updated: 0, unchanged: 0, joined: 0, failed: 0 };

const issues = (answer: ImportCustomersResponse) =>
  answer.issues.map(({ line, reason, field }) => [line, reason, field]);

/** Every stored row with what PostgreSQL changes when it writes one. */
async function storedRows(): Promise<unknown[]> {
  const { rows } = await database.query(`
    select xmin::text, ctid::text, customer::text as stored from customer
    union all select xmin::text, ctid::text, customer_key::text from customer_key order by stored`);
  return rows;
}

async function all(): Promise<Map<string | undefined, Customer>> {
  const { rows } = await database.query<{ id: string }>('select id from customer order by id limit 100');
  const found = await customers.call('batchGetCustomers', { ids: rows.map(({ id }) => id) }, caller);
  return new Map(found.customers.map((customer) => [customer.displayName, customer]));
}

describe('the sample of universities', () => {
  test('is imported with every row accounted for, and byte for byte', async () => {
    const file = await sample('universities.json');
    const answer = await importFile({ contentType: 'application/json', data: file, kind: CustomerKind.COMPANY });

    expect(counts(answer)).toEqual({ ...none, created: 56, joined: 4 });
    expect(answer.columns).toContainEqual({ column: 'web_pages', field: undefined });
    expect(
      issues(answer)
        .map(([, reason]) => reason)
        .sort(),
    ).toEqual([...Array<string>(4).fill('JOINED_EARLIER_ROW'), 'KEY_CONFLICT'].sort());
    const stored = await all();
    const given = JSON.parse(file.toString()) as { name: string; domains: string[]; alpha_two_code: string }[];
    for (const { name, alpha_two_code: countryCode } of given.slice(0, 20)) {
      expect(stored.get(name)).toMatchObject({ kind: CustomerKind.COMPANY, addresses: [{ countryCode }] });
    }
    expect(stored.get('Ústín College of Arts') ?? stored.get(given[20]?.name ?? '')).toBeDefined();
  });

  test('imported again changes nothing at all', async () => {
    const file: File = {
      contentType: 'application/json',
      data: await sample('universities.json'),
      kind: CustomerKind.COMPANY,
    };
    await importFile(file);
    const before = await storedRows();

    const again = await importFile(file);

    expect(counts(again)).toEqual({ ...none, unchanged: 56, joined: 4 });
    expect(await storedRows()).toEqual(before);
  });
});

describe('the sample of people', () => {
  test('is imported with its wrong phones named by line and kept as typed', async () => {
    const answer = await importFile(csv(await sample('people.csv'), { externalIdSystem: 'shop' }));

    expect(counts(answer)).toEqual({ ...none, created: 20 });
    expect(answer.issues.map(({ line, reason, message }) => [line, reason, /"(.*)"/.exec(message)?.[1]])).toEqual([
      [10, 'PHONE_INVALID', '+353 91 123'],
      [13, 'PHONE_INVALID', '+1 217 555'],
      [17, 'PHONE_INVALID', 'call the office'],
    ]);
    const stored = await all();
    expect(stored.get('Zoë Ångström')).toMatchObject({
      companyName: 'Nordljus AB',
      phones: [{ number: '+46812345678' }, { number: '+46812345679', label: 'fax' }],
      externalIds: [{ system: 'shop', value: '1' }],
      addresses: [{ street: 'Kungsgatan 12, 3 tr', city: 'Stockholm', postalCode: '111 35', countryCode: 'SE' }],
    });
    expect(stored.get('Amélie Lefèvre')?.phones).toMatchObject([{ number: '+33472103030' }]);
    expect(stored.get('Paweł Żółć')?.addresses).toMatchObject([{ street: 'ul. Świętokrzyska 5\nlok. 2' }]);
    expect(stored.get("Siobhán O'Brien")).toMatchObject({
      companyName: 'Brien "Bros" Ltd',
      phones: [{ number: '+353 91 123' }],
    });
  });

  test('imported again changes nothing at all, nor when it is cut into single bytes', async () => {
    const file = csv(await sample('people.csv'));
    await importFile(file);
    const before = await storedRows();

    expect(counts(await importFile(file))).toEqual({ ...none, unchanged: 20 });
    expect(counts(await importFile({ ...file, pieceSize: 1 }))).toEqual({ ...none, unchanged: 20 });
    expect(await storedRows()).toEqual(before);
  });
});

describe('a row', () => {
  test('updates the customer that it meets: values replace, lists are united', async () => {
    const ada = await customers.create(caller, {
      ...person({ givenName: 'Ada', jobTitle: 'Analyst', tags: ['old'] }),
      emails: [{ address: 'Ada@x.example', label: undefined }],
    });

    const answer = await importFile(
      rowsOf([{ email: 'ada@X.example', job_title: 'Countess', tags: ['new'], phone: '+49 30 901820', country: '' }]),
    );

    expect(counts(answer)).toEqual({ ...none, updated: 1 });
    expect(await customers.get(caller, ada.id)).toMatchObject({
      displayName: 'Ada Lovelace',
      givenName: 'Ada',
      jobTitle: 'Countess',
      tags: ['old', 'new'],
      emails: [{ address: 'Ada@x.example' }],
      phones: [{ number: '+4930901820' }],
      etag: '"2"',
      updatedBy: caller.principalId,
    });
  });

  test('that meets the record of an earlier row only adds what is missing, within a chunk and across chunks', async () => {
    const filler = Array.from({ length: 2_500 }, (_, index) => ({ name: `F${index}`, email: `f${index}@x.example` }));
    const rows = [
      { email: 'ada@x.example', first_name: 'Ada', job_title: 'first' },
      { email: ['ada@x.example', 'ada@home.example'], job_title: 'second', company: 'Engines' },
      ...filler,
      { email: 'ada@home.example', name: 'Countess', company: 'third', tags: ['late'] },
      { email: 'ada@home.example', name: 'never', last_name: 'Lovelace' },
    ];

    const answer = await importFile(rowsOf(rows));
    const before = await storedRows();
    const again = await importFile(rowsOf(rows));

    expect(counts(answer)).toEqual({ ...none, created: 2_501, joined: 3 });
    expect(issues(answer)).toEqual([2, 2_503, 2_504].map((line) => [line, 'JOINED_EARLIER_ROW', undefined]));
    expect(await customers.get(caller, answer.issues[0]?.customerId ?? '')).toMatchObject({
      displayName: 'Countess',
      givenName: 'Ada',
      familyName: 'Lovelace',
      jobTitle: 'first',
      companyName: 'Engines',
      emails: [{ address: 'ada@x.example' }, { address: 'ada@home.example' }],
      tags: ['late'],
    });
    expect(counts(again)).toEqual({ ...none, unchanged: 2_501, joined: 3 });
    expect(await storedRows()).toEqual(before);
  });

  test('goes by its external id, then e-mail address, and never takes a key from another customer', async () => {
    const byId = await customers.create(caller, { ...person(), externalIds: [{ system: 'erp', value: '1' }] });
    const byEmail = await customers.create(caller, {
      ...person(),
      emails: [{ address: 'b@x.example', label: undefined }],
    });

    const answer = await importFile(
      rowsOf([{ id: 1, email: ['b@x.example', 'c@x.example'], name: 'One' }], { externalIdSystem: 'erp' }),
    );

    expect(counts(answer)).toEqual({ ...none, updated: 1 });
    expect(answer.issues).toMatchObject([
      {
        severity: Severity.WARNING,
        line: 1,
        reason: 'KEY_CONFLICT',
        field: 'emails[0].address',
        customerId: byEmail.id,
      },
    ]);
    expect(await customers.get(caller, byId.id)).toMatchObject({
      displayName: 'One',
      emails: [{ address: 'c@x.example' }],
    });
    expect(await customers.get(caller, byEmail.id)).toEqual(byEmail);
  });

  test('with another id of the same system is another customer, though they share an e-mail address', async () => {
    const rows = rowsOf(
      [
        { id: 1, email: 'desk@x.example', name: 'One' },
        { id: 2, email: 'desk@x.example', name: 'Two' },
        { id: 2, email: 'two@x.example' },
      ],
      { externalIdSystem: 'erp' },
    );

    const answer = await importFile(rows);
    const before = await storedRows();

    expect(counts(answer)).toEqual({ ...none, created: 2, joined: 1 });
    expect(issues(answer)).toEqual([
      [2, 'KEY_CONFLICT', 'emails[0].address'],
      [3, 'JOINED_EARLIER_ROW', undefined],
    ]);
    expect(counts(await importFile(rows))).toEqual({ ...none, unchanged: 2, joined: 1 });
    expect(await storedRows()).toEqual(before);
  });

  test('that meets a customer of the other kind is refused', async () => {
    const acme = await customers.create(caller, {
      ...company(),
      emails: [{ address: 'info@acme.example', label: undefined }],
    });

    const answer = await importFile(rowsOf([{ name: 'Ada', email: 'info@acme.example' }]));

    expect(answer.issues).toMatchObject([{ severity: Severity.ERROR, reason: 'KIND_MISMATCH', customerId: acme.id }]);
    expect(counts(answer)).toEqual({ ...none, failed: 1 });
  });

  test('without any key is not created again when a customer has all that it says', async () => {
    const rows = rowsOf([
      { name: 'Ada', phone: '+4930901820' },
      { name: 'Ada', phone: '+4930901821' },
      { name: 'Ada' },
    ]);

    expect(counts(await importFile(rows))).toEqual({ ...none, created: 2, joined: 1 });
    const before = await storedRows();
    expect(counts(await importFile(rows))).toMatchObject({ created: 0, updated: 0 });
    expect(await storedRows()).toEqual(before);
  });

  test('does not meet a deleted customer', async () => {
    const ada = await customers.create(caller, {
      ...person(),
      emails: [{ address: 'ada@x.example', label: undefined }],
    });
    await customers.delete(caller, ada.id);

    expect(counts(await importFile(rowsOf([{ name: 'Ada', email: 'ada@x.example' }])))).toEqual({
      ...none,
      created: 1,
    });
  });

  test('belongs to the company that it names, when that is one', async () => {
    const acme = await customers.create(caller, company());
    const rows = [acme.id, v7()].map((company_id, index) => ({
      name: `P${index}`,
      email: `p${index}@x.example`,
      company_id,
    }));

    const answer = await importFile(rowsOf(rows));

    expect(issues(answer)).toEqual([[2, 'COMPANY_NOT_FOUND', 'companyId']]);
    const stored = await all();
    expect([stored.get('P0')?.companyId, stored.get('P1')?.companyId]).toEqual([acme.id, undefined]);
  });

  test('keeps every character that text can have', async () => {
    const name = `"'\\'' \\x27; -- ? :a $1 {,} \\N \t \u202e 𝒜́ \u2028 end`;

    await importFile(rowsOf([{ name, tags: [name.slice(0, 50)], street: 'a\\\nb\r\nc', email: 'a@x.example' }]));

    const [stored] = [...(await all()).values()];
    expect(stored).toMatchObject({
      displayName: name,
      tags: [name.slice(0, 50)],
      addresses: [{ street: 'a\\\nb\r\nc' }],
    });
  });
});

describe('a file', () => {
  test('with bad rows imports the good ones and names the others by line', async () => {
    const answer = await importFile(
      csv('name,email\nAda,ada@x.example\nBob\n,,\n,\nCy,nobody\n,c@x.example\nDan,d@x.example,3\n'),
    );

    expect(counts(answer)).toEqual({ ...none, created: 2, failed: 3 });
    expect(issues(answer)).toEqual([
      [3, 'TOO_FEW_CELLS', undefined],
      [6, 'BAD_FORMAT', 'emails[0].address'],
      [8, 'TOO_MANY_CELLS', undefined],
    ]);
  });

  test('lists 10,000 issues and counts the rest', async () => {
    const answer = await importFile(csv(`name,city\n${',Berlin\n'.repeat(10_020)}`));

    expect(counts(answer)).toEqual({ ...none, failed: 10_020 });
    expect([answer.issues.length, answer.issuesOmitted]).toEqual([10_000, 20]);
  });

  test('that breaks off leaves nothing, neither when it is no JSON nor when its client goes', async () => {
    const rows = Array.from({ length: 3_000 }, (_, index) => ({ name: `N${index}`, email: `n${index}@x.example` }));
    const text = JSON.stringify(rows);
    await expect(importFile({ contentType: 'application/json', data: text.slice(0, -1) })).rejects.toMatchObject({
      violations: [{ field: 'file', reason: 'JSON_ENDS_EARLY' }],
    });

    const settled = new Promise<ServiceError | null>((resolve) => {
      const call = open(resolve);
      const { data } = rowsOf(rows);
      for (const message of messages({ contentType: 'application/x-ndjson', data })) call.write(message);
      void waitFor(`select 1 from pg_stat_activity where query like '%import_met%' and state like 'idle in%'`).then(
        () => call.cancel(),
      );
    });
    expect(await settled).toMatchObject({ code: 1 });

    await waitFor(
      `select 1 where not exists (select from pg_stat_activity where query like '%import_met%' and state like 'idle in%')`,
    );
    expect(await storedRows()).toEqual([]);
  });

  test.each([
    ['application/xml', {}, 'file', 'CONTENT_TYPE_UNSUPPORTED'],
    ['text/csv', { map: ['nope'] }, 'map[0]', 'BAD_FORMAT'],
    ['text/csv', { map: ['name=colour'] }, 'map[0]', 'FIELD_UNKNOWN'],
    ['text/csv', { map: ['missing=email'] }, 'map', 'COLUMN_MISSING'],
    ['text/csv', { externalIdSystem: 'No!' }, 'externalIdSystem', 'BAD_FORMAT'],
    ['text/csv', { kind: 7 as CustomerKind }, 'kind', 'UNKNOWN_VALUE'],
    ['text/csv', { data: '' }, 'file', 'FILE_EMPTY'],
  ])('of %s with %j is refused for %s', async (contentType, more, field, reason) => {
    await expect(importFile({ contentType, data: 'name,city\nAda,Berlin', ...more })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field, reason }],
    });
    expect(await storedRows()).toEqual([]);
  });

  test('sees no customer of another tenant', async () => {
    const rows = rowsOf([{ id: 1, name: 'Ada', email: 'ada@x.example' }, { name: 'Bob' }], { externalIdSystem: 'erp' });
    await importFile(rows, newCaller());

    expect(counts(await importFile(rows))).toEqual({ ...none, created: 2 });
  });

  test('gives way, as a whole, to a write that takes one of its unique values meanwhile', async () => {
    await database.query('begin');
    const other = v7();
    await database.query(`insert into customer select ($1::customer).* from (select 1) one`, [
      `(${caller.tenantId},${other},PERSON,Eve,,,,,,[],[],[],[],{},{},,,,eve,eve,1,2026-01-01Z,2026-01-01Z,,x,x)`,
    ]);
    await database.query(`insert into customer_key values ($1, 'EMAIL', 'ada@x.example', $2)`, [
      caller.tenantId,
      other,
    ]);

    const importing = importFile(
      rowsOf([
        { name: 'Bob', email: 'bob@x.example' },
        { name: 'Ada', email: 'ada@x.example' },
      ]),
    );
    const outcome = expect(importing).rejects.toMatchObject({ code: 'ABORTED', reason: 'IMPORT_CONFLICT' });
    await waitFor(`select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%customer_key%'`);
    await database.query('commit');

    await outcome;
    expect([...(await all()).keys()]).toEqual(['Eve']);
  });
});

/** Resolves once the query has a row. Only a superuser sees what the sessions of others do. */
async function waitFor(query: string): Promise<void> {
  const observer = new pg.Client({ connectionString: inject('superuserUrl') });
  await observer.connect();
  try {
    while ((await observer.query(query)).rowCount === 0);
  } finally {
    await observer.end();
  }
}
