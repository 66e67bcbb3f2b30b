import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { CustomField, CustomFieldOption } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import {
  CustomField as CustomFieldCodec,
  CustomField_Type,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { CustomerKind, LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { ExportFormat, type ImportCustomersResponse } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { AppError, type Caller } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { counts, ImportTenant, none } from './import-tenant.js';
import { company, customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

const seed = printedSeed('export-import');
const sizes = {
  tenants: sizeOf('EXPORT_IMPORT_TENANTS', { short: 1, long: 200 }),
  customers: sizeOf('EXPORT_IMPORT_CUSTOMERS', { short: 75, long: 400 }),
};

const formats: [name: string, format: ExportFormat, contentType: string][] = [
  ['CSV', ExportFormat.CSV, 'text/csv'],
  ['CSV with semicolons', ExportFormat.CSV_SEMICOLON, 'text/csv'],
  ['NDJSON', ExportFormat.NDJSON, 'application/x-ndjson'],
];

const options: CustomFieldOption[] = ['a; b', '"gold"', '=1+1', "'x", 'plain', 'a\nb'].map((value) => ({
  value,
  displayName: undefined,
}));
const customFields: [key: string, type: CustomField_Type, values: fc.Arbitrary<unknown>][] = [
  ['a_b', CustomField_Type.TEXT, hostileText(200)],
  ['ab', CustomField_Type.TEXT, hostileText(200)],
  ['create_time', CustomField_Type.TEXT, hostileText(200)],
  ['number', CustomField_Type.NUMBER, fc.double({ noNaN: true, noDefaultInfinity: true })],
  ['decimal', CustomField_Type.DECIMAL, fc.constantFrom('-12.50', '0.10', '+7', '007.00', '999999999999999999.1')],
  [
    'money',
    CustomField_Type.MONEY,
    fc.constantFrom({ amount: '-12.50', currencyCode: 'EUR' }, { amount: '0', currencyCode: 'JPY' }),
  ],
  ['day', CustomField_Type.DATE, fc.constantFrom('2026-01-31', '0001-01-01', '9999-12-31')],
  ['time', CustomField_Type.TIME, fc.constantFrom('2026-01-31T09:30:00Z', '1999-12-31T23:59:59.999+05:30')],
  ['flag', CustomField_Type.BOOLEAN, fc.boolean()],
  ['choice', CustomField_Type.SELECT, fc.constantFrom(...options.map(({ value }) => value))],
  [
    'choices',
    CustomField_Type.MULTI_SELECT,
    fc.subarray(
      options.map(({ value }) => value),
      { minLength: 1 },
    ),
  ],
  ['url', CustomField_Type.URL, fc.constantFrom('https://x.example/?a=1,2;3', 'http://x.example/\'"')],
];

test.each(formats)(
  'importing an unchanged %s export changes nothing and has no issues',
  async (name, format, contentType) => {
    for (let n = 0; n < sizes.tenants; n += 1) {
      const tenant = await ImportTenant.create(customers, await hostileTenant(seed + n));
      const data = await exported(tenant.caller, format);
      const before = await exportedLines(tenant.caller);

      const answer = await tenant.importFile({ contentType, data });

      const after = await exportedLines(tenant.caller);
      // Includes versions and update times.
      expect(after.filter((line) => !before.includes(line)).slice(0, 3), `seed ${seed + n}`).toEqual(
        before.filter((line) => !after.includes(line)).slice(0, 3),
      );
      expect(explained(answer), `seed ${seed + n}`).toEqual([]);
      expect(counts(answer)).toEqual({ ...none, unchanged: answer.rows });
      await tenant.close();
    }
    printTally('export-import', { format: name, tenants: sizes.tenants, customers: sizes.customers });
  },
  soakTimeoutMs,
);

/** Unexpected results: the issues with their rows. */
function explained({ issues }: ImportCustomersResponse): unknown[] {
  return issues.slice(0, 10).map(({ line, reason, field, message }) => ({ line, reason, field, message }));
}

async function exported(caller: Caller, format: ExportFormat): Promise<Buffer> {
  const request = { format, columns: [], filter: undefined, q: undefined };
  const pieces: Uint8Array[] = [];
  const call = customers.client.exportCustomers(request, customers.metadataOf(caller));
  for await (const { data } of call as AsyncIterable<HttpBody>) pieces.push(data);
  return Buffer.concat(pieces);
}

async function exportedLines(caller: Caller): Promise<string[]> {
  return (await exported(caller, ExportFormat.NDJSON)).toString().split('\n');
}

/** A tenant whose customers have random valid values in each field. */
async function hostileTenant(tenantSeed: number): Promise<Caller> {
  const caller = newCaller();
  for (const [key, type] of customFields) await defineField(caller, key, type);
  const employers = await createAll(caller, samples(companies, tenantSeed, Math.ceil(sizes.customers / 4)));
  const companyIds = employers.map(({ id }) => id);
  const people = samples(persons, tenantSeed + 1, sizes.customers).map((one, index) => ({
    ...one,
    companyId: index % 3 === 0 ? companyIds[index % companyIds.length] : undefined,
  }));
  const created = await createAll(caller, people);
  // Values that the contract refuses are skipped; enough must remain.
  expect(created.length).toBeGreaterThan(sizes.customers / 2);
  return caller;
}

async function defineField(caller: Caller, key: string, type: CustomField_Type): Promise<void> {
  const empty: CustomField = CustomFieldCodec.decode(new Uint8Array());
  const hasOptions = type === CustomField_Type.SELECT || type === CustomField_Type.MULTI_SELECT;
  const customField = { ...empty, key, type, options: hasOptions ? options : [] };
  await customers.call('createCustomField', { customField }, caller);
}

/** Creates the valid ones, and of those with the same unique value the first. */
async function createAll(caller: Caller, wanted: Partial<Customer>[]): Promise<Customer[]> {
  const items = wanted.map((one) => ({ customer: customerOf(one) }));
  const created: Customer[] = [];
  for (let start = 0; start < items.length; start += 200) {
    const batch = { items: items.slice(start, start + 200), mode: 2 };
    const { results } = await customers.call('batchCreateCustomers', { batch }, caller);
    created.push(...results.flatMap(({ customer }) => customer ?? []));
  }
  if (created.length === 0) throw new AppError('INTERNAL', 'NONE_CREATED', 'No customer was created.');
  return created;
}

function samples<Value>(arbitrary: fc.Arbitrary<Value>, arbitrarySeed: number, numRuns: number): Value[] {
  return fc.sample(arbitrary, { seed: arbitrarySeed, numRuns });
}

/** Texts that a spreadsheet evaluates, a CSV parser misreads, or an import reinterprets. */
function hostileText(maxLength: number): fc.Arbitrary<string> {
  const start = fc.constantFrom('', '', '=', '+', '-', '@', "'", "''", "'=", "'+43", "''-", '"', '""', '\uff1d', '***');
  const middle = fc.array(
    fc.oneof(
      fc.constantFrom(
        ',',
        ';',
        '\n',
        '\r\n',
        '\r',
        '\t',
        '"',
        '""',
        "'",
        ' ::: ',
        '|',
        '=',
        '+',
        ' ',
        '\u00a0',
        '\ufeff',
        '\u2028',
      ),
      fc.string({ unit: 'grapheme', maxLength: 4 }),
      fc.constantFrom('SUM(A1)', '12', '12,50', '1e9', 'true', 'null', '01.02.2026', 'a', 'ß', '\u{1f600}'),
    ),
    { maxLength: 6 },
  );
  return fc.tuple(start, middle).map(
    ([first, parts]) =>
      Array.from(first + parts.join(''))
        .slice(0, maxLength)
        .join('')
        .trim() || 'x',
  );
}

function maybe<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 2 });
}

let unique = 0;
const number = fc.nat().map(() => (unique += 1));
const label = maybe(hostileText(40));
const emails = fc.array(
  fc.record({
    address: fc
      .tuple(number, fc.constantFrom("o'neil+", '=cmd+', '-x', '+43', '{a|b}', 'a.b'))
      .map(([n, local]) => `${local}${n}@Mail.example`),
    label,
  }),
  { maxLength: 3 },
);
const phones = fc.array(
  fc.record({
    number: fc.oneof(
      fc.constantFrom(
        '+43158801',
        '+49 30 12345678',
        '030 12345678',
        '+1 212 555 0100 ext. 5',
        "'+43158801",
        '=1+1',
        '1;2',
        '1,2',
      ),
      hostileText(60),
    ),
    label,
  }),
  { maxLength: 4 },
);
const addresses = fc.array(
  fc.record({
    street: maybe(hostileText(300)),
    city: maybe(hostileText(150)),
    state: maybe(hostileText(150)),
    postalCode: maybe(hostileText(20)),
    countryCode: maybe(fc.constantFrom('DE', 'AT', 'GB', 'US', 'XK', 'AQ')),
    label,
  }),
  { maxLength: 3 },
);
const externalIds = fc
  .subarray(['erp', 'shop', 'a.b', 'a-b', 'a_b', 'ab'])
  .chain((systems) =>
    fc.tuple(
      ...systems.map((system) =>
        fc.tuple(number, hostileText(100)).map(([n, text]) => ({ system, value: `${text}${n}` })),
      ),
    ),
  );
const shared = {
  displayName: hostileText(300),
  jobTitle: maybe(hostileText(150)),
  companyName: maybe(hostileText(300)),
  source: maybe(hostileText(100)),
  tags: fc.array(hostileText(60), { maxLength: 5 }),
  lifecycleStage: fc.constantFrom(
    LifecycleStage.UNSPECIFIED,
    LifecycleStage.LEAD,
    LifecycleStage.QUALIFIED,
    LifecycleStage.CUSTOMER,
    LifecycleStage.FORMER_CUSTOMER,
  ),
  ownerId: maybe(fc.uuid()),
  ownerTeamId: maybe(fc.uuid()),
  emails,
  phones,
  addresses,
  externalIds,
  customFields: fc
    .record(Object.fromEntries(customFields.map(([key, , values]) => [key, maybe(values)])))
    .map((values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))),
};
const persons: fc.Arbitrary<Partial<Customer>> = fc
  .record({
    ...shared,
    displayName: maybe(shared.displayName),
    givenName: maybe(hostileText(150)),
    familyName: maybe(hostileText(150)),
    birthDate: maybe(fc.constantFrom('1815-12-10', '0999-01-01')),
  })
  .map((one) => person({ ...one, kind: CustomerKind.PERSON }));
const companies: fc.Arbitrary<Partial<Customer>> = fc
  .record({
    ...shared,
    domains: fc.array(
      fc
        .tuple(number, fc.constantFrom('www.x', 'x', 'xn--bcher-kva-', 'de.'))
        .map(([n, name]) => `${name}${n}.example`),
      { maxLength: 2 },
    ),
  })
  .map((one) => company(one));
