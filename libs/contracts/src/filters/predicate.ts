import { comparedField, otherRecordError, type FilterTable } from './filter-table.js';
import { isMet, readTests, type ComparedField, type FilterTest } from './filter-test.js';
import { parseFilter, type Filter, type Restriction } from './parse-filter.js';
import type { Present } from './read-value.js';
import { valuesOf, type ComparedValues, type JsonRecord } from './record-values.js';

/** Whether a record in the JSON form of the contract meets a filter. */
export type FilterPredicate = (record: JsonRecord, present: Present) => boolean;

/**
 * Compiles a filter to a predicate that is true for exactly the records of a list with this filter: texts are compared
 * without case and accents, phone numbers by their digits, and a comparison with an absent value is false.
 *
 * @param filter in the syntax of lists, limited to fields of the record itself. An empty filter matches all records.
 * @throws AppError INVALID_ARGUMENT with the position, as lists do. FILTER_FIELD_UNKNOWN also for paths to other records, and
 *   FILTER_WITHOUT_USER for `me`
 */
export function compilePredicate(filter: string, table: FilterTable): FilterPredicate {
  const tree = parseFilter(filter);
  if (!tree) return () => true;
  const meets = compile(tree, (restriction) => compileRestriction(filter, table, restriction));
  return meets;
}

/** The effect of a change on the selection of a filter. */
export interface ChangeMatch {
  before: boolean;
  after: boolean;
  /** The record matches the filter now: before it did not match, or did not exist. */
  entered: boolean;
  /** The record no longer matches the filter, or no longer exists. */
  left: boolean;
}

/** @param change the record before and after; absent when it did not, or does not, exist */
export function matchChange(
  predicate: FilterPredicate,
  change: { before?: JsonRecord | undefined; after?: JsonRecord | undefined },
  present: Present,
): ChangeMatch {
  const before = change.before !== undefined && predicate(change.before, present);
  const after = change.after !== undefined && predicate(change.after, present);
  return { before, after, entered: after && !before, left: before && !after };
}

function compile(tree: Filter, restricted: (restriction: Restriction) => FilterPredicate): FilterPredicate {
  switch (tree.type) {
    case 'and': {
      const operands = tree.operands.map((operand) => compile(operand, restricted));
      return (record, present) => operands.every((meets) => meets(record, present));
    }
    case 'or': {
      const operands = tree.operands.map((operand) => compile(operand, restricted));
      return (record, present) => operands.some((meets) => meets(record, present));
    }
    case 'not': {
      const meets = compile(tree.operand, restricted);
      return (record, present) => !meets(record, present);
    }
    case 'restriction': {
      const meets = restricted(tree.restriction);
      return tree.restriction.operator === '!=' ? (record, present) => !meets(record, present) : meets;
    }
  }
}

/** Compiles one comparison. @throws AppError as `compilePredicate` does */
export function compileRestriction(filter: string, table: FilterTable, restriction: Restriction): FilterPredicate {
  const field = ownField(filter, table, restriction);
  const values = valuesOf(field);
  const tests = readTests(field, filter, restriction).map((test) => compileTest(test, values));
  return (record, present) => tests.some((meets) => meets(record, present));
}

function ownField(filter: string, table: FilterTable, restriction: Restriction): ComparedField {
  const { field } = restriction;
  const isPath = field.includes('.') && !field.startsWith('customFields.') && !table.fields.has(field);
  if (isPath) throw otherRecordError(table, filter, restriction);
  return comparedField(table, field, filter, restriction);
}

function compileTest(test: FilterTest, { isPresent, texts, ordered }: ComparedValues): FilterPredicate {
  switch (test.type) {
    case 'present':
      return isPresent;
    case 'oneOf': {
      const sought = new Set(test.texts);
      return (record) => texts(record).some((text) => sought.has(text));
    }
    case 'ordered':
      return (record, present) => {
        const held = ordered(record);
        if (held === undefined) return false;
        return test.bounds.every(({ operator, value }) => isMet(compareValues(held, value(present)), operator, 0));
      };
    case 'part': {
      const hasPart = { START: startsWith, END: endsWith, ANYWHERE: includes }[test.at];
      return (record) => texts(record).some((text) => test.texts.some((part) => hasPart(text, part)));
    }
  }
}

const startsWith = (text: string, part: string) => text.startsWith(part);
const endsWith = (text: string, part: string) => text.endsWith(part);
const includes = (text: string, part: string) => text.includes(part);

/** Less than 0 when the left value comes first. Texts are compared by code points, as in PostgreSQL's collation "C". */
function compareValues(left: string | number, right: string | number): number {
  if (typeof left === 'number') return left - Number(right);
  return Buffer.compare(Buffer.from(left), Buffer.from(String(right)));
}
