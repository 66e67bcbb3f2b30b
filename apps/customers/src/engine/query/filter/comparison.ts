import type { AppError } from '@rapport/platform';
import { type FilterOperator, type Restriction, filterError } from '@rapport/contracts/filters';
import type { RecordType } from '../../fields/record-type.js';
import { indexed, type Condition } from './condition.js';

/** One comparison on its way to SQL. */
export class Comparison {
  /** A `!=` is the negation of `=`, which is what is compared. */
  readonly operator: Exclude<FilterOperator, '!='>;

  /**
   * @param type of the records that are compared
   * @param filter the whole filter, for positions in errors
   * @param table name that the type's table has in the condition
   * @param live whether live records are asked for
   */
  constructor(
    readonly type: RecordType,
    readonly filter: string,
    readonly restriction: Restriction,
    readonly table: string,
    readonly live: boolean,
  ) {
    this.operator = restriction.operator === '!=' ? '=' : restriction.operator;
  }

  get text(): string {
    return this.restriction.value.text;
  }

  /** Whether any value will do: `field:*`. */
  get isPresence(): boolean {
    return this.isPrefix && this.text === '';
  }

  /** Whether `text` is only how a value begins. */
  get isPrefix(): boolean {
    return this.restriction.value.isPrefix && this.isEquality;
  }

  /** Whether values are asked for that are `text`, rather than before or after it. */
  get isEquality(): boolean {
    return this.operator === '=' || this.operator === ':';
  }

  /** Records that have one of the terms. */
  hasTerm(terms: readonly string[]): Condition {
    if (terms.length === 0) return indexed('false');
    const operator = terms.length === 1 ? '@>' : '&&';
    return indexed(`${this.table}.terms ${operator} array[${terms.map(() => '?').join(', ')}]::text[]`, [...terms]);
  }

  /** Refuses what the field can't do by an index. */
  assertOneOf(kinds: { prefix?: boolean; order?: boolean }): void {
    const { value, operatorIndex, field } = this.restriction;
    const can = `${field} can be compared by ${kinds.order ? '=, !=, <, <=, >, >=' : '=, !='} and ":*"`;
    if (value.isPattern) {
      const how = kinds.prefix ? 'but by how it begins only, with * at the end' : 'but not by a part of it';
      throw this.#notIndexed(value.index, `${can}, ${how}; in quotation marks, \\* is the sign itself`);
    }
    if (!this.isEquality && !kinds.order) throw this.#notIndexed(operatorIndex, `${can}; it has no order`);
    if (!value.isPrefix || this.isPresence) return;
    if (!this.isEquality) throw this.valueError('with * at its end has no order; leave the * out');
    if (!kinds.prefix) throw this.#notIndexed(value.index, `${can}, but not by how it begins`);
  }

  /** Refuses what can not be asked of a field that is encrypted. */
  encryptedError(problem: string): AppError {
    const { field, operatorIndex } = this.restriction;
    const description = `${field} is encrypted in this tenant and ${problem}`;
    return filterError('FILTER_ENCRYPTED', this.filter, operatorIndex, description);
  }

  valueError(problem: string): AppError {
    const { field, value } = this.restriction;
    return filterError('FILTER_VALUE_INVALID', this.filter, value.index, `${field} ${problem}`);
  }

  #notIndexed(index: number, problem: string): AppError {
    return filterError('FILTER_NOT_INDEXED', this.filter, index, problem);
  }
}
