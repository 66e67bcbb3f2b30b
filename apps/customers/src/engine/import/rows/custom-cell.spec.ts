import { expect, test } from 'vitest';
import { type CustomFieldType, customFieldKinds } from '@rapport/contracts/filters';
import { customCell } from './custom-cell.js';

const options = ['red', 'dark blue'].map((value) => ({ value }));

function read(type: CustomFieldType, cell: unknown): unknown {
  const result = customFieldKinds[type].read(customCell(type, cell), options);
  return 'value' in result ? result.value : result.reason;
}

test.each<[CustomFieldType, [cell: unknown, value: unknown][]]>([
  [
    'TEXT',
    [
      [' ab ', 'ab'],
      [7, '7'],
    ],
  ],
  [
    'NUMBER',
    [
      ['25', 25],
      ['-1.5e3', -1500],
      ['.5', 0.5],
      [25, 25],
      ['0x10', 'WRONG_TYPE'],
      ['1,000', 'WRONG_TYPE'],
      ['1e999', 'WRONG_TYPE'],
    ],
  ],
  [
    'DECIMAL',
    [
      ['012.50', '12.50'],
      [12.5, '12.5'],
      ['12,50', 'BAD_FORMAT'],
    ],
  ],
  [
    'MONEY',
    [
      ['12.50 EUR', { amount: '12.50', currencyCode: 'EUR' }],
      ['eur 12.50', { amount: '12.50', currencyCode: 'EUR' }],
      ['EUR-3', { amount: '-3', currencyCode: 'EUR' }],
      [
        { amount: '1', currencyCode: 'USD' },
        { amount: '1', currencyCode: 'USD' },
      ],
      ['12.50', 'BAD_FORMAT'],
      ['EUR 1 USD', 'BAD_FORMAT'],
      ['1 XXQ', 'UNKNOWN_VALUE'],
    ],
  ],
  [
    'DATE',
    [
      ['20260131', '2026-01-31'],
      ['2026/01/31', '2026-01-31'],
      ['31/01/2026', 'BAD_FORMAT'],
      ['2026-02-30', 'BAD_FORMAT'],
    ],
  ],
  [
    'TIME',
    [
      ['2026-01-31T10:30:00+01:00', '2026-01-31T09:30:00.000Z'],
      ['2026-01-31', 'BAD_FORMAT'],
    ],
  ],
  [
    'BOOLEAN',
    [
      ['TRUE', true],
      ['yes', true],
      ['1', true],
      [1, true],
      ['false', false],
      ['No', false],
      [0, false],
      ['maybe', 'WRONG_TYPE'],
    ],
  ],
  [
    'SELECT',
    [
      ['RED', 'red'],
      ['green', 'UNKNOWN_VALUE'],
      [['red'], 'UNKNOWN_VALUE'],
    ],
  ],
  [
    'MULTI_SELECT',
    [
      ['red; Dark Blue;red;', ['red', 'dark blue']],
      [['red'], ['red']],
      ['red;green', 'UNKNOWN_VALUE'],
      [';', undefined],
    ],
  ],
  [
    'URL',
    [
      ['https://x.example/a', 'https://x.example/a'],
      ['x.example', 'BAD_FORMAT'],
    ],
  ],
  [
    'REFERENCE',
    [
      ['019AB2F4-6C1E-7C3A-9D52-0C7E8B1F4A11', '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11'],
      ['7', 'BAD_FORMAT'],
    ],
  ],
])('a cell of a %s column becomes a value of the type, or is refused', (type, cells) => {
  expect(cells.map(([cell]) => read(type, cell))).toEqual(cells.map(([, value]) => value));
});

test('an empty cell has no value for any type', () => {
  const types = Object.keys(customFieldKinds) as CustomFieldType[];
  expect(types.flatMap((type) => ['', ' ', null, undefined].map((cell) => customCell(type, cell)))).toEqual(
    types.flatMap(() => [undefined, undefined, undefined, undefined]),
  );
});

// A row may have a million characters, and parsing blocks the process.
test('a long cell that is almost a number is refused quickly', () => {
  expect(read('NUMBER', `${'1'.repeat(100_000)}x`)).toBe('WRONG_TYPE');
});
