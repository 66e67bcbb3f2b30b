import { CustomerKind, LifecycleStage } from '@rapport/contracts/rapport/customers/v1/customer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { oneOfEach } from '../../../../test/custom-field-definition.js';
import { uniqueValues } from '../../records/unique-values.js';
import { Columns } from '../columns/columns.js';
import { customerImport } from '../../../domain/customers/import/customer-import.js';
import { prepareRow, type PreparedRow } from '../rows/prepare-row.js';
import { customers as type } from '../../../domain/customers/customers.js';
import { LinkedRecords } from '../../records/references.js';
import { ImportRecords } from './import-record.js';
import { applyRow, type Outcome } from './apply-row.js';

const map = [
  'kind',
  'display_name',
  'given_name',
  'family_name',
  'job_title',
  'email',
  'phone',
  'tag',
  'domain',
  'city',
  'lifecycle_stage',
  'custom_fields.text',
  'custom_fields.multi_select',
]
  .map((field) => `${field}=${field}`)
  .concat('street=street', 'erp=external_id.erp', 'shop=external_id.shop');

const customFields = oneOfEach();

const few = (...values: string[]) => fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 });
const list = (...values: string[]) => fc.uniqueArray(fc.constantFrom(...values), { maxLength: 2 });

/** Rows that share keys, names and values more often than any real file. */
const cells = fc.record({
  kind: fc.constantFrom('PERSON', 'PERSON', 'PERSON', 'COMPANY'),
  display_name: few('Ada', 'Bob', 'Ada Lovelace', 'a@x.example'),
  given_name: few('Ada', 'Bob'),
  family_name: few('Lovelace', 'King'),
  job_title: few('Analyst', 'Countess'),
  email: list('a@x.example', 'b@x.example', 'c@x.example', 'd@x.example'),
  phone: list('+4930901820', '+4930901821'),
  tag: list('x', 'y'),
  domain: list('x.example', 'y.example'),
  city: few('Rome', 'Bonn'),
  lifecycle_stage: few('SUBSCRIBER', 'LEAD', 'CUSTOMER', 'FORMER_CUSTOMER'),
  'custom_fields.text': few('a', 'b'),
  'custom_fields.multi_select': few('red', 'green;red'),
  street: few('Ring 1'),
  erp: few('1', '2', '3'),
  shop: few('1', '2'),
});

function prepare(row: object): PreparedRow[] {
  const columns = new Columns(customerImport, map, true, customFields);
  const targeted = columns.targeted({ line: 1, cells: Object.entries(row), size: 0 });
  const defaults = { kind: CustomerKind.PERSON, externalIdSystem: 'import' };
  const mapped = customerImport.readRow(targeted, defaults, customFields);
  const prepared = prepareRow(customerImport, mapped, customFields, {});
  return 'refused' in prepared ? [] : [prepared];
}

function importAll(rows: object[], records: ImportRecords): Outcome[] {
  return rows.flatMap(prepare).map((row) => applyRow(row, records, customerImport).outcome);
}

function newRecords(): ImportRecords {
  return new ImportRecords(customerImport, new LinkedRecords());
}

/** The records that the next import finds. */
function stored(records: ImportRecords): ImportRecords {
  const next = newRecords();
  for (const { id, record } of records.all) {
    next.put({ id, stored: record, record, changed: false, met: false, named: false });
  }
  return next;
}

test('importing the same rows again creates and changes nothing, whatever keys and values they share', () => {
  fc.assert(
    fc.property(fc.array(cells, { maxLength: 12 }), fc.array(cells, { maxLength: 6 }), (before, rows) => {
      const earlier = newRecords();
      importAll(before, earlier);
      const first = stored(earlier);
      importAll(rows, first);
      const second = stored(first);

      const outcomes = importAll(rows, second);

      expect(outcomes.filter((outcome) => outcome === 'created' || outcome === 'updated')).toEqual([]);
      expect([...second.all].filter(({ changed }) => changed)).toEqual([]);
    }),
    { numRuns: 250 },
  );
});

test('two customers never get the same unique value', () => {
  fc.assert(
    fc.property(fc.array(cells, { maxLength: 20 }), (rows) => {
      const records = newRecords();
      importAll(rows, records);

      const values = [...records.all].flatMap(({ record: customer }) =>
        uniqueValues(type, customer).map(({ type, value }) => type + value),
      );

      expect(new Set(values).size).toBe(values.length);
    }),
  );
});

test('a stage that can not follow that of the customer is omitted with a warning', () => {
  const records = newRecords();
  importAll([{ display_name: 'Ada', erp: '1', lifecycle_stage: 'CUSTOMER' }], records);
  const [row] = prepare({ display_name: 'Ada', erp: '1', lifecycle_stage: 'LEAD', job_title: 'Analyst' });

  const next = stored(records);
  const { outcome, issues } = applyRow(row!, next, customerImport);

  expect([outcome, issues.map(({ reason, field }) => [reason, field])]).toEqual([
    'updated',
    [['LIFECYCLE_TRANSITION', 'lifecycleStage']],
  ]);
  expect([...next.all][0]?.record).toMatchObject({ lifecycleStage: LifecycleStage.CUSTOMER, jobTitle: 'Analyst' });
});

test('a row without keys does not match a namesake with an incompatible stage', () => {
  const records = newRecords();
  importAll([{ display_name: 'Ada', lifecycle_stage: 'CUSTOMER' }], records);
  const next = stored(records);

  expect(importAll([{ display_name: 'Ada', lifecycle_stage: 'LEAD' }], next)).toEqual(['created']);
});

test.each([
  // A cheap test distinguishes them: only an equal row is merged, once to find it and once to join it.
  ['job_title', 0, 800],
  ['phone', 0, 800],
  // Only a merge does: with the first 100 namesakes, and with the row that was equal.
  ['custom_fields.text', 34_950, 5_050 + 300 * 101 + 400],
] as const)(
  'a row without keys is compared with 100 namesakes at most, and still finds an equal one among more: by %s',
  (field, mergesOfNew, mergesOfEqual) => {
    let merges = 0;
    const merge: typeof customerImport.merge = (...values) => {
      merges += 1;
      return customerImport.merge(...values);
    };
    const rules = { ...customerImport, merge };
    const records = newRecords();
    const rows = Array.from({ length: 400 }, (_, index) => ({ display_name: 'Ada', [field]: `030 ${1_000 + index}` }));
    const outcomes = () => new Set(rows.flatMap(prepare).map((row) => applyRow(row, records, rules).outcome));

    expect([[...outcomes()], merges]).toEqual([['created'], mergesOfNew]);
    merges = 0;
    expect([[...outcomes()], merges]).toEqual([['joined'], mergesOfEqual]);
  },
);
