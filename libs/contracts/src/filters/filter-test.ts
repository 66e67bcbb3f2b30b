import { customFieldKinds, type CustomFieldDefinition } from '../values/custom-field-value.js';
import { sortName } from '../values/search-text.js';
import { Comparison, type Abilities, type OrderOperator } from './comparison.js';
import type { FilterField } from './filter-fields.js';
import type { Restriction } from './parse-filter.js';
import {
  readAmount,
  readCurrency,
  readDay,
  readGiven,
  readMoment,
  readNumber,
  readUuid,
  type Present,
} from './read-value.js';
import { comparedTerm, soughtTerms } from './term-texts.js';

/** A field that a filter compares: one of the contract, or one of the tenant's own. */
export type ComparedField = FilterField | { type: 'custom'; definition: CustomFieldDefinition };

/** What a value is compared with. It is read anew each time, since some are relative to the present. */
export interface Bound {
  operator: OrderOperator;
  value: (present: Present) => string | number;
}

/** What a comparison asks of the values of a field in the form in which they are compared. A record without a value does not meet it. */
export type FilterTest =
  /** There is a value. */
  | { type: 'present' }
  /** A value is one of these texts. */
  | { type: 'oneOf'; texts: readonly string[] }
  /** The value stands to each of these as they say. */
  | { type: 'ordered'; bounds: readonly Bound[] }
  /** A value begins with, ends in, or has in it, one of these texts. */
  | { type: 'part'; at: 'START' | 'END' | 'ANYWHERE'; texts: readonly string[] };

/**
 * Reads what a restriction asks of a field: any of the tests must be met, and the answer turned round when the operator is `!=`.
 *
 * @param filter the whole filter, for positions in errors
 * @throws AppError INVALID_ARGUMENT FILTER_VALUE_INVALID or FILTER_NOT_INDEXED with the position, and what can be asked
 */
export function readTests(field: ComparedField, filter: string, restriction: Restriction): FilterTest[] {
  const abilities = abilitiesOf(field);
  const tests = restriction.values.map((value) =>
    readTest(field, new Comparison(filter, restriction, value, abilities)),
  );
  if (restriction.operator === 'BETWEEN') return [rangeOf(tests)];
  const among = tests.filter((test) => test.type === 'oneOf');
  if (among.length < 2) return tests;
  const texts = [...new Set(among.flatMap((test) => test.texts))];
  return [{ type: 'oneOf', texts }, ...tests.filter((test) => test.type !== 'oneOf')];
}

/** What meets all tests: of an enum those of its names that meet each, of others what is within both bounds. */
function rangeOf(tests: readonly FilterTest[]): FilterTest {
  const bounds = tests.flatMap((test) => (test.type === 'ordered' ? test.bounds : []));
  if (bounds.length > 0) return { type: 'ordered', bounds };
  const [first = [], ...others] = tests.map((test) => (test.type === 'oneOf' ? test.texts : []));
  return { type: 'oneOf', texts: first.filter((text) => others.every((texts) => texts.includes(text))) };
}

/** What indexes answer of a field. */
function abilitiesOf(field: ComparedField): Abilities {
  switch (field.type) {
    case 'custom': {
      const { type } = field.definition;
      return { order: customFieldKinds[type].order !== undefined, start: type === 'TEXT' || type === 'MONEY' };
    }
    case 'name':
      return { order: true, start: true, part: field.field.index.search };
    case 'key':
      return { start: true, part: field.field.index.search };
    case 'term':
      return { part: field.field.index.search };
    case 'enum':
      return { order: field.ordered };
    case 'value':
      return { order: true, start: field.of === 'MONEY' };
    case 'time':
      return { order: true };
    case 'id':
    case 'owner':
      return {};
  }
}

function readTest(field: ComparedField, comparison: Comparison): FilterTest {
  if (comparison.isPresence) return { type: 'present' };
  switch (field.type) {
    case 'custom':
      return customTest(field.definition, comparison);
    case 'term':
      return termTest(field, comparison);
    case 'key':
      return keyTest(field, comparison);
    case 'enum':
      return enumTest(field, comparison);
    case 'id':
    case 'owner':
      return { type: 'oneOf', texts: [readUuid(comparison)] };
    case 'name':
      return textTest(comparison, sortName(comparison.text));
    case 'time':
      return ordered(comparison, readMoment(comparison));
    case 'value':
      return valueTest(field.of, comparison);
  }
}

function ordered({ operator }: Comparison, value: Bound['value']): FilterTest {
  return { type: 'ordered', bounds: [{ operator, value }] };
}

function valueTest(of: 'DATE' | 'NUMBER' | 'MONEY', comparison: Comparison): FilterTest {
  if (comparison.isStart) return { type: 'part', at: 'START', texts: [readCurrency(comparison)] };
  if (of === 'DATE') return ordered(comparison, readDay(comparison));
  const value = of === 'MONEY' ? readAmount(comparison) : readNumber(comparison);
  return ordered(comparison, () => value);
}

/** Compares a text with an order, or by a part of it. */
function textTest(comparison: Comparison, text: string): FilterTest {
  return partTest(comparison, [text]) ?? ordered(comparison, () => text);
}

function termTest({ field }: FilterField, comparison: Comparison): FilterTest {
  const texts = [...new Set(soughtTerms(field, comparison.text).map((text) => comparedTerm(field, text)))];
  if (texts.length === 0) throw comparison.valueError('must have digits');
  return partTest(comparison, texts) ?? { type: 'oneOf', texts };
}

/** An external id without a slash names a system, in which any value will do. */
function keyTest({ hasSystem }: FilterField & { type: 'key' }, comparison: Comparison): FilterTest {
  const { text } = comparison;
  const isSystem = hasSystem && !comparison.isStart && !text.includes('/');
  if (isSystem) return { type: 'part', at: 'START', texts: [`${text}/`] };
  const texts = [hasSystem ? text : text.toLowerCase()];
  return partTest(comparison, texts) ?? { type: 'oneOf', texts };
}

/** Undefined for a comparison with whole values. */
function partTest(comparison: Comparison, texts: readonly string[]): FilterTest | undefined {
  if (comparison.isStart) return { type: 'part', at: 'START', texts };
  if (!comparison.isEnd && !comparison.isPart) return undefined;
  if (texts.some((text) => !/[\p{L}\p{N}]{3}/u.test(text))) throw comparison.notIndexed('this part is shorter');
  return { type: 'part', at: comparison.isEnd ? 'END' : 'ANYWHERE', texts };
}

function enumTest({ names }: FilterField & { type: 'enum' }, comparison: Comparison): FilterTest {
  const position = names.indexOf(comparison.text.toUpperCase());
  if (position < 0) throw comparison.valueError(`must be one of ${names.join(', ')}`);
  const texts = names.filter((_, index) => isMet(index, comparison.operator, position));
  return { type: 'oneOf', texts };
}

/** Whether the left value is in the relation to the right one that an operator names. */
export function isMet<Value extends number>(left: Value, operator: OrderOperator, right: Value): boolean {
  switch (operator) {
    case '=':
      return left === right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}

function customTest(definition: CustomFieldDefinition, comparison: Comparison): FilterTest {
  const { type } = definition;
  const kind = customFieldKinds[type];
  if (comparison.isStart) {
    return {
      type: 'part',
      at: 'START',
      texts: [type === 'MONEY' ? readCurrency(comparison) : sortName(comparison.text)],
    };
  }
  if (type === 'DATE') return ordered(comparison, readDay(comparison));
  if (type === 'TIME') {
    const moment = readMoment(comparison);
    // Stored to the millisecond, as JavaScript writes it.
    return ordered(comparison, (present) => moment(present).replace(/\d{3}Z$/, 'Z'));
  }
  const value = readGiven(definition, comparison);
  if (comparison.operator === '=') return { type: 'oneOf', texts: kind.terms(value) };
  const order = kind.order?.(value) ?? '';
  return ordered(comparison, () => order);
}
