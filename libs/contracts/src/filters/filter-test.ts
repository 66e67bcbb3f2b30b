import { customFieldKinds, type CustomFieldDefinition } from '../values/custom-field-value.js';
import { sortName } from '../values/search-text.js';
import { Comparison, operatorsOf, type Abilities, type OrderOperator } from './comparison.js';
import type { FilterField } from './filter-fields.js';
import type { Restriction } from './parse-filter.js';
import {
  readAmount,
  readCurrency,
  readDay,
  readGiven,
  readMoment,
  readNumber,
  readUser,
  readUuid,
  type Present,
} from './read-value.js';
import { comparedTerm, relatedText, soughtTerms } from './term-texts.js';

/** A field that a filter compares: of the contract, or a custom field. */
export type ComparedField = FilterField | { type: 'custom'; definition: CustomFieldDefinition };

/** The value to compare with. It is read each time, since some values are relative to the current time. */
export interface Bound {
  operator: OrderOperator;
  value: (present: Present) => string | number;
}

/** A test of the values of a field in their comparable form. A record without a value fails it. */
export type FilterTest =
  /** There is a value. */
  | { type: 'present' }
  /** A value is one of these texts. */
  | { type: 'oneOf'; texts: readonly string[] }
  /** The value satisfies each of these bounds. */
  | { type: 'ordered'; bounds: readonly Bound[] }
  /** A value begins with, ends in, or has in it, one of these texts. */
  | { type: 'part'; at: 'START' | 'END' | 'ANYWHERE'; texts: readonly string[] };

/**
 * Converts a restriction to tests of a field: one of them must pass, and `!=` negates the result.
 *
 * @param filter the whole filter, for positions in errors
 * @param userId the user that `me` stands for; absent where no user asks
 * @throws AppError INVALID_ARGUMENT FILTER_VALUE_INVALID, FILTER_WITHOUT_USER or FILTER_NOT_INDEXED with the position, and the
 *   supported comparisons
 */
export function readTests(
  field: ComparedField,
  filter: string,
  restriction: Restriction,
  userId?: string,
): FilterTest[] {
  const abilities = abilitiesOf(field);
  const tests = restriction.values.map((value) =>
    readTest(field, new Comparison(filter, restriction, value, abilities), userId),
  );
  if (restriction.operator === 'BETWEEN') return [rangeOf(tests)];
  const among = tests.filter((test) => test.type === 'oneOf');
  if (among.length < 2) return tests;
  const texts = [...new Set(among.flatMap((test) => test.texts))];
  return [{ type: 'oneOf', texts }, ...tests.filter((test) => test.type !== 'oneOf')];
}

/** The intersection of tests: the names of an enum that pass each test, or the range within both bounds. */
function rangeOf(tests: readonly FilterTest[]): FilterTest {
  const bounds = tests.flatMap((test) => (test.type === 'ordered' ? test.bounds : []));
  if (bounds.length > 0) return { type: 'ordered', bounds };
  const [first = [], ...others] = tests.map((test) => (test.type === 'oneOf' ? test.texts : []));
  return { type: 'oneOf', texts: first.filter((text) => others.every((texts) => texts.includes(text))) };
}

/** The comparisons of a field, as documents list them. */
export interface FieldComparisons {
  /** The usual one first. */
  operators: string[];
  /** Where a text can have `*`: `abc*`, `*abc` and `*abc*`; or `EUR*` for money of a currency. */
  patterns: string[];
}

/** The comparisons of a field. `field:*` and `NOT` are possible with all fields. */
export function comparisonsOf(field: FilterField): FieldComparisons {
  const abilities = abilitiesOf(field);
  // A list of references is compared by `=`, like a single one.
  const isList = field.type !== 'related' && (field.list !== undefined || field.field.desc.fieldKind === 'list');
  const operators = [...operatorsOf(abilities), 'IN'];
  return {
    operators: isList ? [':', ...operators] : [...operators, ':'],
    patterns: [
      ...(abilities.start ? [field.type === 'value' ? 'EUR*' : 'abc*'] : []),
      ...(abilities.part ? ['*abc', '*abc*'] : []),
    ],
  };
}

/** The comparisons that the indexes of a field support. */
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
    case 'related':
      return {};
  }
}

function readTest(field: ComparedField, comparison: Comparison, userId: string | undefined): FilterTest {
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
    case 'owner':
      if (field.isUser) return { type: 'oneOf', texts: [readUser(comparison, userId)] };
      return { type: 'oneOf', texts: [readUuid(comparison)] };
    case 'id':
      return { type: 'oneOf', texts: [readUuid(comparison)] };
    case 'related':
      return { type: 'oneOf', texts: [relatedText(field.of, readUuid(comparison))] };
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

/** Compares an ordered text, or a substring. */
function textTest(comparison: Comparison, text: string): FilterTest {
  return partTest(comparison, [text]) ?? ordered(comparison, () => text);
}

function termTest({ field }: FilterField, comparison: Comparison): FilterTest {
  const texts = [...new Set(soughtTerms(field, comparison.text).map((text) => comparedTerm(field, text)))];
  if (texts.length === 0) throw comparison.valueError('must have digits');
  return partTest(comparison, texts) ?? { type: 'oneOf', texts };
}

/** An external id without a slash names a system, and matches any value in it. */
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

/** Whether an operator holds between two values. */
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
    // Stored to the millisecond, in JavaScript's form.
    return ordered(comparison, (present) => moment(present).replace(/\d{3}Z$/, 'Z'));
  }
  const value = readGiven(definition, comparison);
  if (comparison.operator === '=') return { type: 'oneOf', texts: kind.terms(value) };
  const order = kind.order?.(value) ?? '';
  return ordered(comparison, () => order);
}
