import { parseFilter } from '@rapport/contracts/filters';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contextAt, isWhole, scan, split } from './filter-language.ts';

const kinds = (text: string) => scan(text).tokens.map(({ kind, text: part }) => `${kind} ${part}`);
const isField = (word: string) => ['lifecycleStage', 'countryCode', 'tags'].includes(word);

describe('parts of a filter', () => {
  test('are fields, operators, values and what joins them', () => {
    expect(kinds('lifecycleStage >= LEAD AND -tags:"key account"')).toEqual([
      'field lifecycleStage',
      'operator >=',
      'value LEAD',
      'join AND',
      'join -',
      'field tags',
      'operator :',
      'value "key account"',
    ]);
    expect(kinds('(id IN (a, b) OR createTime BETWEEN today-7d AND now)').join(' ')).toBe(
      'mark ( field id operator IN mark ( value a mark , value b mark ) join OR ' +
        'field createTime operator BETWEEN value today-7d join AND value now mark )',
    );
  });

  test('cover every text, whatever is written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        let end = 0;
        for (const token of scan(text).tokens) {
          expect(text.slice(end, token.start).trim()).toBe('');
          expect(text.slice(token.start, token.start + token.text.length)).toBe(token.text);
          end = token.start + token.text.length;
        }
        expect(text.slice(end).trim()).toBe('');
      }),
    );
  });

  test('are what the server reads: a filter without words is asked as it is written', () => {
    const value = fc.constantFrom('LEAD', '"key account"', 'today-30d', '*', "'a b'");
    const comparison = fc.oneof(
      fc
        .tuple(fc.constantFrom('tags', 'lifecycle_stage'), fc.constantFrom(' = ', ':', ' != ', '>='), value)
        .map((all) => all.join('')),
      fc.tuple(value, value).map(([from, to]) => `tags BETWEEN ${from} AND ${to}`),
      fc.array(value, { minLength: 1, maxLength: 3 }).map((values) => `tags IN (${values.join(', ')})`),
    );
    const { filter } = fc.letrec<{ filter: string }>((tie) => ({
      filter: fc.oneof(
        { maxDepth: 3 },
        comparison,
        fc.tuple(tie('filter'), fc.constantFrom(' ', ' AND ', ' OR '), tie('filter')).map((all) => all.join('')),
        tie('filter').map((inner) => `(${inner})`),
        comparison.map((inner) => `NOT ${inner}`),
      ),
    }));
    fc.assert(
      fc.property(filter, (text) => {
        expect(split(text).q).toBe('');
        expect(shapeOf(split(text).filter)).toEqual(shapeOf(text));
        expect(isWhole(scan(text))).toBe(true);
      }),
    );
  });
});

/** What a filter means, without where its parts are. */
function shapeOf(filter: string): unknown {
  return JSON.parse(
    JSON.stringify(parseFilter(filter), (key, value: unknown) => (/[iI]ndex$/.test(key) ? undefined : value)),
  );
}

describe('words', () => {
  test('are searched for, and the rest is the filter', () => {
    const { filter, q, placeOf } = split('müller AND countryCode = DE "key account"');
    expect({ filter, q }).toEqual({ filter: 'countryCode = DE', q: 'müller key account' });
    expect(placeOf(filter.indexOf('DE'))).toBe('müller AND countryCode = '.length);
  });

  test('leave a fault for the server to say', () => {
    expect(split('countryCode =').filter).toBe('countryCode =');
    expect(split('countryCode = DE AND').filter).toBe('countryCode = DE AND');
    expect(split('countryCode = DE => 3').filter).toContain('=');
  });
});

describe('the place of the caret', () => {
  const at = (text: string) => {
    const caret = text.indexOf('|');
    const { kind, written, field, before } = contextAt(text.replace('|', ''), caret, isField);
    return { kind, written, field, before };
  };

  test('asks for a field, an operator or a value', () => {
    expect(at('li|')).toMatchObject({ kind: 'field', written: 'li' });
    expect(at('lifecycleStage |')).toMatchObject({ kind: 'operator', field: 'lifecycleStage' });
    expect(at('lifecycleStage I|')).toMatchObject({ kind: 'operator', written: 'I' });
    expect(at('lifecycleStage >= |')).toMatchObject({ kind: 'value', written: '', field: 'lifecycleStage' });
    expect(at('countryCode IN (DE, F|')).toMatchObject({ kind: 'value', written: 'F', field: 'countryCode' });
    expect(at('countryCode = DE AND |')).toMatchObject({ kind: 'field', written: '' });
  });

  test('knows the comparisons before it, which the counts of values meet', () => {
    expect(at('lifecycleStage = LEAD AND (countryCode = D|').before).toBe('lifecycleStage = LEAD');
    expect(at('müller countryCode = D|').before).toBe('');
  });

  test('replaces the whole part that it touches', () => {
    const text = 'countryCode = DExx AND tags:a';
    expect(contextAt(text, text.indexOf('xx'), isField)).toMatchObject({ from: 14, to: 18 });
  });
});
