import { AppError } from '@rapport/platform';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFilter } from '@rapport/contracts/filters';
import { filterTexts, mutilatedFilterTexts, otherComparisons, ownComparisons } from '../../../../test/filter-texts.js';
import { definition } from '../../../../test/custom-field-definition.js';
import { CustomFields } from '../../fields/custom-fields.js';
import { customers as type } from '../../../domain/customers/customers.js';
import { compileFilter } from './compile-filter.js';
import type { Sql } from './condition.js';
import { prefixEnd } from './prefix-range.js';

const present = { now: new Date(), timeZone: 'UTC' };
const options = ['Gold', 'Chess'].map((value) => ({ value }));
const customFields = new CustomFields([
  definition('note', 'TEXT'),
  definition('seats', 'NUMBER'),
  definition('score', 'DECIMAL'),
  definition('revenue', 'MONEY'),
  definition('day', 'DATE'),
  definition('called', 'TIME'),
  definition('news', 'BOOLEAN'),
  definition('plan', 'SELECT', { options }),
  definition('hobbies', 'MULTI_SELECT', { options }),
  definition('site', 'URL'),
  definition('knows', 'REFERENCE'),
]);

function compile(filter: string, live = true) {
  const tree = parseFilter(filter);
  return tree
    ? compileFilter(filter, tree, { type, live, present, customFields: new Map([[type.name, customFields]]) })
    : [];
}

describe('compileFilter', () => {
  const isExempt = (comparison: string) => comparison.includes('!=') || comparison.includes(':*');

  test.each([...ownComparisons, ...otherComparisons].filter((comparison) => !isExempt(comparison)))(
    'has an index for %s',
    (comparison) => {
      expect(compile(comparison)[0]?.index).toBeDefined();
    },
  );

  test('uses indexes for OR if each side has one, and for AND if one side has one', () => {
    expect(compile('(tags:a OR emails:b*) OR (kind = PERSON AND given_name:*)')[0]?.index).toBeDefined();
    expect(compile('tags:a OR given_name:*')[0]?.index).toBeUndefined();
    expect(compile('NOT tags:a')[0]?.index).toBeUndefined();
  });

  test('passes every value of a filter as a parameter', () => {
    const text = `it's 100% "sure"? $1 \\`;
    for (const comparison of ['tags:', 'display_name >= ', 'emails:', 'custom_fields.note = ', 'company.city:']) {
      const [condition] = compile(`${comparison}${JSON.stringify(text)}`);
      expect(condition?.row.sql).not.toContain('sure');
      expect(condition?.index?.sql).not.toContain('sure');
    }
  });

  test('compiles any text or reports the position of the error', () => {
    const token = fc.constantFrom(
      ...[
        '(',
        ')',
        ' ',
        '-',
        '"',
        "'",
        '\\',
        '*',
        '=',
        '!=',
        '<',
        '>=',
        ':',
        'AND',
        'OR',
        'NOT ',
        'IN',
        'BETWEEN',
        ',',
        '😀',
        '?',
        '.',
      ],
      ...['kind', 'tags', 'displayName', 'create_time', 'PERSON', '2026-01-31', 'AND ', 'OR ', 'phones', '+49'],
      ...['company', 'custom_fields', 'seats', 'associations', 'partner_of'],
    );
    const text = fc.oneof(
      filterTexts,
      mutilatedFilterTexts,
      fc.array(token, { maxLength: 40 }).map((tokens) => tokens.join('')),
      fc.string({ unit: 'binary', maxLength: 60 }),
    );
    const compiled = { count: 0 };
    fc.assert(
      fc.property(text, fc.boolean(), (filter, live) => {
        try {
          for (const { row, index, range } of compile(filter, live)) {
            for (const sql of [row, index ?? row, range?.on('value') ?? row]) expectParameters(sql);
          }
          compiled.count += 1;
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          expect(error.code).toBe('INVALID_ARGUMENT');
          const [, position] = /^at character (\d+): /.exec(error.violations[0]?.description ?? '') ?? [];
          expect(Number(position)).toBeGreaterThanOrEqual(1);
          expect(Number(position)).toBeLessThanOrEqual(Array.from(filter).length + 1);
        }
      }),
      { numRuns: 4_000 },
    );
    expect(compiled.count).toBeGreaterThan(800);
  });
});

function expectParameters({ sql, params }: Sql): void {
  expect(sql.match(/\?/g)?.length ?? 0).toBe(params.length);
}

describe('prefixEnd', () => {
  test.each([
    ['a', 'b'],
    ['az', 'a{'],
    ['\ud7ff', '\ue000'],
    ['\uffff', '\u{10000}'],
    ['😀', '😁'],
    ['a\u{10ffff}', 'b'],
    ['\u{10ffff}', undefined],
    ['', undefined],
  ])('of %j is %j', (prefix, end) => {
    expect(prefixEnd(prefix)).toBe(end);
  });
});
