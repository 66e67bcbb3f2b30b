import { expect, test } from 'vitest';
import { customers } from '../../domain/customers/customers.js';
import { rowReader, shownColumns } from './record-rows.js';

const columns = shownColumns(customers)
  .split(', ')
  .map((column) => column.split(' ')[0]?.replace('customer.', '') ?? '');

/** The result of reading a row with some texts, and NULL in its other columns. */
function read(texts: Readonly<Record<string, string>>, more: (string | null)[] = []) {
  return rowReader(customers)([...columns.map((column) => texts[column] ?? null), ...more]);
}

test.each([
  ['{}', []],
  ['{vip}', ['vip']],
  ['{vip,new}', ['vip', 'new']],
  [
    '{"a, b","say \\"hi\\"","back\\\\slash","{brace}",NULLABLE,"NULL",""}',
    ['a, b', 'say "hi"', 'back\\slash', '{brace}', 'NULLABLE', 'NULL', ''],
  ],
])('a text array is parsed in PostgreSQL’s format: %s', (text, tags) => {
  expect(read({ tags: text }).record.tags).toEqual(tags);
});

test('each column becomes the value of its field, and one without a value is absent', () => {
  const { record, sealed, more } = read(
    {
      ...{ id: 'an id', kind: 'COMPANY', version: '7', emails: '[{"address": "a@b.example"}]', sealed: 't' },
      ...{ create_time: '2026-01-31 09:30:00.5+00', custom_fields: '{}', lifecycle_stage: 'LEAD' },
    },
    ['x', null],
  );

  expect(record).toEqual({
    ...customers.empty(),
    ...{ id: 'an id', kind: 2, etag: '"7"', emails: [{ address: 'a@b.example' }], lifecycleStage: 2 },
    createTime: '2026-01-31T09:30:00.500Z',
  });
  expect(sealed).toBe(true);
  expect(more).toEqual(['x', null]);
});
