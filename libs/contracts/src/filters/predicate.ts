import { comparedField, otherRecordError, type FilterTable } from './filter-table.js';
import { isMet, readTests, type ComparedField, type FilterTest } from './filter-test.js';
import { parseFilter, type Filter, type Restriction } from './parse-filter.js';
import type { Present } from './read-value.js';
import { valuesOf, type ComparedValues, type JsonRecord } from './record-values.js';

/** Whether a record in the JSON form of the contract meets a filter. */
export type FilterPredicate = (record: JsonRecord, present: Present) => boolean;

/**
 * Makes a filter a function of one record, which is true for just those records that a list with the filter has: comparisons
 * without case and accents, phone numbers by their digits, and a comparison with what a record does not have is false.
 *
 * @param filter as lists take it, but about the record itself. All records meet an empty one.
 * @throws AppError INVALID_ARGUMENT with the position, as lists do. FILTER_FIELD_UNKNOWN also for paths to other records, which can't
 *   be told from one record.
 */
export function compilePredicate(filter: string, table: FilterTable): FilterPredicate {
  const tree = parseFilter(filter);
  if (!tree) return () => true;
  const meets = compile(tree, (restriction) => compileRestriction(filter, table, restriction));
  return meets;
}

/** How a change of a record stands to a filter. */
export interface ChangeMatch {
  before: boolean;
  after: boolean;
  /** The record has come to meet the filter: it did not before, or was not there. */
  entered: boolean;
  /** The record does no longer meet the filter, or is no longer there. */
  left: boolean;
}

/** @param change the record before and after; absent when there was, or is, none */
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

function compileRestriction(filter: string, table: FilterTable, restriction: Restriction): FilterPredicate {
  const field = ownField(filter, table, restriction);
  const values = valuesOf(field);
  const tests = readTests(field, filter, restriction).map((test) => compileTest(test, values));
  return (record, present) => tests.some((meets) => meets(record, present));
}

function ownField(filter: string, table: FilterTable, restriction: Restriction): ComparedField {
  const { field } = restriction;
  const isPath = field.includes('.') && !field.startsWith('customFields.');
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
