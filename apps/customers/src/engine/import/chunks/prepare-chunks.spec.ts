import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { expect, onTestFinished, test, vi } from 'vitest';
import { oneOfEach } from '../../../../test/custom-field-definition.js';
import { customerImport } from '../../../domain/customers/import/customer-import.js';
import type { BulkPace } from '../../pace/bulk-pace.js';
import { Columns } from '../columns/columns.js';
import type { FilePart } from '../files/file-row.js';
import { prepareChunks } from './prepare-chunks.js';

async function* rows(count: number): AsyncGenerator<FilePart, void> {
  for (let line = 1; line <= count; line += 1) yield { line, cells: [['name', `Ada ${line}`]], size: 5 };
}

test('does not pause for the time that a chunk waited for its consumer', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const rest = vi.fn<BulkPace['rest']>(() => Promise.resolve());
  const pace = { step: () => 1, rest } as Partial<BulkPace> as BulkPace;
  const customFields = oneOfEach();
  const options = {
    columns: new Columns(customerImport, [], false, customFields),
    defaults: { kind: CustomerKind.PERSON, externalIdSystem: 'import' },
    customFields: () => Promise.resolve(customFields),
    pace,
    chunkRows: 1_000,
  };

  let chunks = 0;
  for await (const _ of prepareChunks(rows(3), options)) {
    chunks += 1;
    vi.advanceTimersByTime(1_000);
  }

  expect(chunks).toBe(3);
  expect(rest).not.toHaveBeenCalled();
});
