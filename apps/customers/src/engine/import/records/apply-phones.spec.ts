import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { expect, onTestFinished, test, vi } from 'vitest';
import { oneOfEach } from '../../../../test/custom-field-definition.js';
import { customerImport } from '../../../domain/customers/import/customer-import.js';
import { LinkedRecords } from '../../records/references.js';
import { Columns } from '../columns/columns.js';
import { prepareRow } from '../rows/prepare-row.js';
import { applyRow } from './apply-row.js';
import { ImportRecords } from './import-record.js';

test('a phone number that is kept as typed is read twice at most, however many customers its row is compared with', () => {
  const customFields = oneOfEach();
  const columns = new Columns(
    customerImport,
    ['display_name', 'phone', 'country'].map((name) => `${name}=${name}`),
    true,
    customFields,
  );
  const records = new ImportRecords(customerImport, new LinkedRecords());
  const defaults = { kind: CustomerKind.PERSON, externalIdSystem: 'import' };
  const importRow = (line: number) => {
    const cells = Object.entries({ display_name: 'Ada', phone: `030 901820 ext ${line}`, country: 'Germany' });
    const targeted = columns.targeted({ line, cells, size: 0 });
    const row = prepareRow(customerImport, customerImport.readRow(targeted, defaults, customFields), customFields, {});
    return 'refused' in row ? row : applyRow(row, records, customerImport).outcome;
  };
  // Each number that is read is asked whether it is valid.
  const reads = vi.spyOn(
    Object.getPrototypeOf(parsePhoneNumberFromString('+4930901820')) as { isValid: () => boolean },
    'isValid',
  );
  onTestFinished(() => reads.mockRestore());

  const outcomes = new Set(Array.from({ length: 400 }, (_, index) => importRow(index + 1)));

  expect([...outcomes]).toEqual(['created']);
  expect(reads.mock.calls.length).toBeGreaterThanOrEqual(400);
  expect(reads.mock.calls.length).toBeLessThanOrEqual(800);
});
