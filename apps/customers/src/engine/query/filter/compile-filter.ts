import { snakeCase } from '@rapport/contracts';
import { allows, callContext, permissionMissing } from '@rapport/platform';
import {
  comparedField,
  filterError,
  otherRecordError,
  unknownField,
  type Filter,
  type FilterTable,
  type Present,
  type Restriction,
} from '@rapport/contracts/filters';
import type { CustomFields } from '../../fields/custom-fields.js';
import { filterTableOf } from '../../fields/filter-fields.js';
import { permissionOf } from '../../fields/record-names.js';
import type { RecordType } from '../../fields/record-type.js';
import { compareField } from './compare-field.js';
import { allOf, anyOf, negated, type Compared, type Condition } from './condition.js';
import { pathsOf } from './filter-paths.js';

export interface FilterContext {
  /** The records that a filter selects from. */
  type: RecordType;
  /** Whether live records are selected: deleted ones have no entries in the indexes that filters use. */
  live: boolean;
  /** Custom field definitions by type name: at least of the types whose custom fields the filter names. */
  customFields: ReadonlyMap<string, CustomFields>;
  /** The reference point of relative times and dates in the filter. */
  present: Present;
  /** The user that `me` stands for in the filter; absent where no user asks, so that `me` is refused. */
  userId?: string | undefined;
  /** True to refuse conditions on other records. */
  isOwnOnly?: boolean;
}

/** Longest chain of references to a field. */
const maxPathLength = 2;

/** Most conditions on other records in a filter. */
const maxOthers = 5;

/**
 * Compiles a filter to SQL. Every value is a parameter. A comparison with an absent value is false, and its negation
 * true.
 *
 * @param filter the text that `tree` was parsed from, for positions in errors
 * @returns conditions that must all hold
 * @throws AppError INVALID_ARGUMENT FILTER_FIELD_UNKNOWN, FILTER_VALUE_INVALID, FILTER_WITHOUT_USER,
 *   FILTER_NOT_INDEXED or FILTER_SYNTAX with the position
 */
export function compileFilter(filter: string, tree: Filter, context: FilterContext): Condition[] {
  const compiler = new FilterCompiler(filter, context);
  return tree.type === 'and' ? tree.operands.map((operand) => compiler.compile(operand)) : [compiler.compile(tree)];
}

/**
 * What is found or computed by the values of records reveals these values.
 *
 * @throws AppError PERMISSION_DENIED to callers without the permission to read records of the type
 */
export function checkMayRead(type: RecordType): void {
  const permission = permissionOf(type, 'read');
  const { caller } = callContext.getStore() ?? {};
  if (caller && !allows(caller.permissions, permission)) throw permissionMissing(permission);
}

class FilterCompiler {
  #others = 0;

  constructor(
    private readonly filter: string,
    private readonly context: FilterContext,
  ) {}

  compile(tree: Filter): Condition {
    switch (tree.type) {
      case 'and':
        return allOf(tree.operands.map((operand) => this.compile(operand)));
      case 'or':
        return anyOf(tree.operands.map((operand) => this.compile(operand)));
      case 'not':
        return negated(this.compile(tree.operand));
      case 'restriction': {
        const condition = this.#restriction(tree.restriction);
        return tree.restriction.operator === '!=' ? negated(condition) : condition;
      }
    }
  }

  #restriction(restriction: Restriction): Condition {
    const { type, live, present, userId } = this.context;
    const own = { type, table: type.table, live, present, userId };
    return this.#at(restriction, restriction.field.split('.'), own, maxPathLength);
  }

  /** @param length of the chain of references to the field */
  #at(restriction: Restriction, fields: string[], on: Compared, length: number): Condition {
    const [first = '', ...rest] = fields;
    const path = length > 0 ? pathsOf(on.type).get(snakeCase(first)) : undefined;
    if (!path || (length < maxPathLength && !path.isReference)) return this.#own(restriction, fields, on);
    this.#countOther(restriction);
    const { target } = path.reach(rest);
    if (target !== on.type) checkMayRead(target);
    const next = path.isReference ? length - 1 : 0;
    return path.condition(on.table, rest, {
      compare: (inner, other) => this.#at(restriction, inner, { ...on, ...other, live: true }, next),
      unknown: (problem) => unknownField(this.filter, restriction, problem),
    });
  }

  #own(restriction: Restriction, path: string[], compared: Compared): Condition {
    const field = comparedField(this.#tableOf(compared.type), path.join('.'), this.filter, restriction);
    return compareField(field, this.filter, restriction, compared);
  }

  #tableOf(type: RecordType): FilterTable {
    return filterTableOf(type, this.context.customFields.get(type.name));
  }

  #countOther(restriction: Restriction): void {
    const { isOwnOnly, type } = this.context;
    if (isOwnOnly) throw otherRecordError(this.#tableOf(type), this.filter, restriction);
    this.#others += 1;
    if (this.#others <= maxOthers) return;
    const { fieldIndex } = restriction;
    const problem = `there are more than ${maxOthers} conditions on other records`;
    throw filterError('FILTER_SYNTAX', this.filter, fieldIndex, problem);
  }
}
