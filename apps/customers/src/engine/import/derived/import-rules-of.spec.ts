import { CustomerKind, Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { ImportIssue_Severity as Severity } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { csvLine } from '@rapport/platform';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { oneOfEach } from '../../../../test/custom-field-definition.js';
import { emptyTrial, trialTypeWith, type Trial } from '../../../../test/trial-type.js';
import '../../../domain/customers/customers.js';
import { contractColumns, csvColumns } from '../../export/csv-columns.js';
import { recordJson } from '../../query/record-json.js';
import { LinkedRecords } from '../../records/references.js';
import { Columns } from '../columns/columns.js';
import { readFile } from '../files/read-file.js';
import type { ImportRules } from '../import-rules.js';
import { applyRow } from '../records/apply-row.js';
import { ImportRecords } from '../records/import-record.js';
import { prepareRow, type PreparedRow } from '../rows/prepare-row.js';
import type { RowIssue } from '../rows/row-issue.js';
import { rowDefaults } from '../rows/row-defaults.js';
import { importRulesOf } from './import-rules-of.js';

const type = trialTypeWith();
const rules = importRulesOf(type);
const customFields = oneOfEach();

function prepare(
  cells: Record<string, unknown>,
  { map = [], language, of = rules }: { map?: string[]; language?: string; of?: ImportRules<Trial> } = {},
) {
  const columns = new Columns(of, map, false, customFields);
  const defaults = { ...rowDefaults({ language }), currency: 'CHF' };
  const targeted = columns.targeted({ line: 1, cells: Object.entries(cells), size: 0 });
  return prepareRow(of, of.readRow(targeted, defaults, customFields), customFields, defaults);
}

function taken(result: ReturnType<typeof prepare>): PreparedRow<Trial> {
  if ('refused' in result) return expect.fail(`refused: ${JSON.stringify(result.refused)}`);
  return result;
}

function issuesOf(result: ReturnType<typeof prepare>): [Severity, string, string | undefined][] {
  const issues = 'refused' in result ? result.refused : result.issues;
  return issues.map(({ severity, reason, field }: RowIssue) => [severity, reason, field]);
}

/** Stored records of the type. */
function recordsWith(stored: Trial[], { of = rules, linked = new LinkedRecords() } = {}): ImportRecords {
  const records = new ImportRecords(of, linked);
  for (const record of stored) {
    records.put({ id: record.id, stored: record, record, changed: false, met: false, named: false });
  }
  return records;
}

function storedTrial(given: Partial<Trial> = {}): Trial {
  return emptyTrial({ id: v7(), title: 'First', status: 1, etag: '"1"', ...given });
}

test('each kind of field is parsed from its text in a file', () => {
  const { record, issues } = taken(
    prepare(
      {
        'Trial Name': ' Ada ',
        'Trial Customer ID': '019AB2F4-6C1E-7C3A-9D52-0C7E8B1F4A11',
        status: 'won',
        amount: '12.50 EUR',
        'End Date': '31.12.2026',
        labels: 'a; b\nc',
        seats: '3',
        size_bytes: '9000000000',
        score: '-0.25',
        accepted: 'yes',
        'external_id.erp': '4711',
        'external_id.shop': '8',
        'custom_fields.number': '25',
      },
      { language: 'de' },
    ),
  );

  expect(issues).toEqual([]);
  expect(record).toMatchObject({
    title: 'Ada',
    customerId: '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11',
    status: 2,
    amount: { amount: '12.50', currencyCode: 'EUR' },
    endDate: '2026-12-31',
    labels: ['a', 'b', 'c'],
    ...{ seats: 3, sizeBytes: 9_000_000_000, score: -0.25, accepted: true },
    externalIds: [
      { system: 'erp', value: '4711' },
      { system: 'shop', value: '8' },
    ],
    customFields: { number: 25 },
  });
});

test('an amount without a currency has that of its row, or else that of the workspace', () => {
  const amountOf = (cells: Record<string, string>) => taken(prepare({ title: 'Ada', ...cells })).record;

  expect(amountOf({ amount: '1200', Currency: 'usd' })).toMatchObject({
    amount: { amount: '1200', currencyCode: 'USD' },
  });
  expect(amountOf({ 'Trial Currency': 'USD', amount: '9 EUR' })).toMatchObject({ amount: { currencyCode: 'EUR' } });
  expect(amountOf({ amount: '1200' })).toMatchObject({ amount: { amount: '1200', currencyCode: 'CHF' } });
  expect(issuesOf(prepare({ title: 'Ada', amount: '1200', currency: 'XXQ' }))).not.toEqual([]);
});

test('an invalid value is omitted with a warning that names it', () => {
  const cells = {
    status: 'lost',
    amount: 'much',
    seats: '1.5',
    accepted: 'perhaps',
    size_bytes: 'big',
    end_date: '31.12.2026',
  };

  expect(issuesOf(prepare({ title: 'Ada', ...cells }))).toEqual([
    [Severity.WARNING, 'VALUE_INVALID', 'status'],
    [Severity.WARNING, 'VALUE_INVALID', 'amount'],
    [Severity.WARNING, 'VALUE_INVALID', 'seats'],
    [Severity.WARNING, 'VALUE_INVALID', 'accepted'],
    [Severity.WARNING, 'VALUE_INVALID', 'sizeBytes'],
    [Severity.WARNING, 'BAD_FORMAT', 'endDate'],
  ]);
});

test('a row that lacks a required value is refused unless its id names a record', () => {
  const stored = storedTrial({ seats: 1 });
  const row = (id: string) => taken(prepare({ id, seats: '2' }));

  expect(issuesOf(prepare({ seats: '2' }))).toEqual([[Severity.ERROR, 'REQUIRED', 'title']]);
  expect(applyRow(row(v7()), recordsWith([stored]), rules)).toMatchObject({ outcome: 'failed' });
  const records = recordsWith([stored]);
  expect(applyRow(row(stored.id), records, rules)).toMatchObject({ outcome: 'updated', issues: [] });
  expect([...records.all][0]?.record).toEqual({ ...stored, seats: 2 });
});

test('a row matches a record by its id, or else by its external ids, or else creates one', () => {
  const [one, other] = [
    storedTrial({ externalIds: [{ system: 'erp', value: '1' }] }),
    storedTrial({ externalIds: [{ system: 'erp', value: '2' }] }),
  ];
  const records = recordsWith([one, other]);
  const apply = (cells: Record<string, unknown>) =>
    applyRow(taken(prepare({ title: 'New', ...cells })), records, rules).outcome;

  expect([apply({ id: one.id }), apply({ 'external_id.erp': '2' }), apply({ 'external_id.erp': '3' })]).toEqual([
    'updated',
    'updated',
    'created',
  ]);
  expect([...records.all].map(({ record }) => (record as Trial).title)).toEqual(['New', 'New', 'New']);
});

test('output-only fields are server fields, and absent values are empty in a new record', () => {
  const columns = new Columns(rules, [], false, customFields);
  columns.place(['title', 'stage_time', 'createTime', 'etag']);
  const records = recordsWith([]);

  applyRow(taken(prepare({ title: 'Ada' })), records, rules);

  expect(columns.report().map(({ field }) => field)).toEqual(['title', undefined, undefined, undefined]);
  expect([...records.all][0]?.record).toMatchObject({ status: 0, accepted: false, sizeBytes: 0, source: '' });
});

test('a reference is resolved by a unique value of its target only', () => {
  const { named } = taken(
    prepare({ title: 'Ada', c: 'A@X.example', d: '7' }, { map: ['title=title', 'c=customer.email'] }),
  );

  expect(named).toMatchObject([{ field: 'customerId', value: { type: 'EMAIL', value: 'a@x.example' } }]);
  for (const target of ['customer', 'customer.display_name', 'customer.external_id']) {
    expect(() => prepare({ title: 'Ada' }, { map: [`title=${target}`] })).toThrow('not an importable field');
  }
});

test('a row that violates the rules of the type is refused with field and reason, and changes nothing', () => {
  const guard = importRulesOf(
    trialTypeWith({
      needs: ['customerId'],
      guard: ({ after, needs }) =>
        (needs['customerId'] as Customer | undefined)?.kind === CustomerKind.COMPANY || after.status !== 2
          ? []
          : [{ field: 'status', reason: 'NEEDS_COMPANY', description: 'can not be WON without a company' }],
    }),
  );
  const person = { ...Customer.create({ kind: CustomerKind.PERSON }), id: v7() };
  const company = { ...Customer.create({ kind: CustomerKind.COMPANY }), id: v7() };
  const linked = new LinkedRecords().add([[person, company].map((record) => ({ record, sealed: false, more: [] }))]);
  const [one, other] = [storedTrial({ customerId: person.id }), storedTrial({ customerId: company.id })];
  const records = recordsWith([one, other], { of: guard, linked });
  const apply = (cells: Record<string, unknown>) => applyRow(taken(prepare(cells, { of: guard })), records, guard);

  expect(apply({ id: one.id, status: 'WON' })).toMatchObject({
    outcome: 'failed',
    issues: [{ severity: Severity.ERROR, reason: 'NEEDS_COMPANY', field: 'status', recordId: one.id }],
  });
  expect(apply({ id: other.id, status: 'WON' }).outcome).toBe('updated');
  expect(apply({ title: 'New', status: 'WON', customer_id: person.id }).outcome).toBe('failed');
  expect(apply({ title: 'New', status: 'WON', customer_id: company.id }).outcome).toBe('created');
  expect([...records.all].map(({ record }) => (record as Trial).status)).toEqual([1, 2, 2]);
});

const text = fc
  .tuple(fc.constantFrom('', '=', '-', "'", '"', '+'), fc.string({ unit: 'grapheme', maxLength: 6 }))
  .map((parts) => parts.join('').trim() || 'x')
  .filter((value) => value.isWellFormed() && !value.includes('\0') && !value.includes('***'));
const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const step = fc.record({ key: text, status: fc.constantFrom(0, 1, 2), note: maybe(text) });
const trials = fc
  .record({
    title: text,
    customerId: maybe(fc.uuid()),
    status: fc.constantFrom(0, 1, 2),
    amount: maybe(fc.constantFrom({ amount: '-12.50', currencyCode: 'EUR' }, { amount: '0', currencyCode: 'JPY' })),
    endDate: maybe(fc.constantFrom('2026-12-31', '0001-01-01')),
    labels: fc.uniqueArray(text, { maxLength: 3 }),
    steps: fc.array(step, { maxLength: 2 }),
    nextStep: maybe(step),
    seats: maybe(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 })),
    sizeBytes: fc.maxSafeInteger(),
    score: maybe(fc.double({ noNaN: true, noDefaultInfinity: true }).map((score) => score + 0)),
    accepted: fc.boolean(),
    source: fc.oneof(fc.constant(''), text),
    externalIds: fc
      .subarray(['erp', 'shop', 'a.b'])
      .chain((systems) => fc.tuple(...systems.map((system) => text.map((value) => ({ system, value }))))),
    customFields: maybe(fc.record({ text, number: fc.integer() })),
  })
  .map((values) => storedTrial({ ...values, stageTime: '2026-02-01T12:30:00.250Z' }));

test.each(['text/csv', 'application/x-ndjson'])(
  'importing an unchanged %s export changes nothing',
  async (contentType) => {
    await fc.assert(
      fc.asyncProperty(trials, async (trial) => {
        const has = { systems: ['a.b', 'erp', 'shop'], customFields };
        const columns = csvColumns<Trial>(contractColumns(type), has, []);
        const file =
          contentType === 'text/csv'
            ? csvLine(columns.map(({ name }) => name)) + csvLine(columns.map((column) => column.text(trial) ?? ''))
            : recordJson(type, trial, []);
        const results = [];
        const placed = new Columns(rules, [], false, customFields);
        for await (const part of readFile(contentType, pieces(file))) {
          if ('columns' in part) placed.placeHeader(part.columns);
          if (!('cells' in part)) continue;
          const mapped = rules.readRow(placed.targeted(part), rowDefaults({}), customFields);
          const row = taken(prepareRow(rules, mapped, customFields, {}));
          results.push(applyRow(row, recordsWith([trial]), rules));
        }

        expect(results).toEqual([{ outcome: 'unchanged', issues: [] }]);
      }),
      { numRuns: 300 },
    );
  },
);

async function* pieces(file: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(file));
}
