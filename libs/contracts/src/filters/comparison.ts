import type { AppError } from '@rapport/platform';
import { filterError, type FilterFault } from './filter-error.js';
import type { FilterValue, Restriction } from './parse-filter.js';

/** The comparisons that an index of a field supports, besides equality and presence. */
export interface Abilities {
  /** Less and greater. */
  order?: boolean;
  /** Prefix. */
  start?: boolean;
  /** Substring and suffix. */
  part?: boolean;
}

/** The operators that an index supports, besides IN and `:`. */
export function operatorsOf({ order }: Abilities): string[] {
  return order ? ['=', '!=', '<', '<=', '>', '>=', 'BETWEEN'] : ['=', '!='];
}

/** The order of two values. */
export type OrderOperator = '=' | '<' | '<=' | '>' | '>=';

/** The comparison of a field with one value, and its possible errors. */
export class Comparison {
  /** A `!=` is the negation of `=`, which is what is compared; `:` is `=`, and BETWEEN both `>=` and `<=`. */
  readonly operator: OrderOperator;

  /** @param filter the whole filter, for positions in errors */
  constructor(
    private readonly filter: string,
    private readonly restriction: Restriction,
    private readonly value: FilterValue,
    private readonly abilities: Abilities,
  ) {
    this.operator = operatorOf(restriction, value);
    this.#assertPossible();
  }

  get text(): string {
    return this.value.text;
  }

  /** Whether it is the word `me`: in quotation marks, that is a text. */
  get isMe(): boolean {
    return this.value.text === 'me' && !this.value.isQuoted;
  }

  /** Whether any value will do: `field:*`. */
  get isPresence(): boolean {
    return this.isStart && this.text === '';
  }

  /** Whether `text` is a prefix. */
  get isStart(): boolean {
    return this.value.isPrefix && !this.value.isSuffix;
  }

  /** Whether `text` is a suffix. */
  get isEnd(): boolean {
    return this.value.isSuffix && !this.value.isPrefix;
  }

  /** Whether `text` is a substring. */
  get isPart(): boolean {
    return this.value.isSuffix && this.value.isPrefix;
  }

  /** The error for a value that the field can't have. @param problem such as `must be a UUID` */
  valueError(problem: string, reason: FilterFault = 'FILTER_VALUE_INVALID'): AppError {
    return filterError(reason, this.filter, this.value.index, `${this.restriction.field} ${problem}`);
  }

  /**
   * The error for a comparison without an index. Its text lists the supported ones. @param problem such as `it has no
   * order`
   */
  notIndexed(problem: string, index = this.value.index): AppError {
    const { field } = this.restriction;
    const { start, part } = this.abilities;
    const ways = [
      `by ${operatorsOf(this.abilities).join(', ')}, IN and ":*"`,
      ...(start ? ['by how it begins, as in "abc*"'] : []),
      ...(part
        ? ['by three or more letters or digits in a row that it has, as in "*abc*", or ends in, as in "*abc"']
        : []),
    ];
    return filterError(
      'FILTER_NOT_INDEXED',
      this.filter,
      index,
      `${field} can be compared ${ways.join(', ')}; ${problem}`,
    );
  }

  /** Refuses comparisons that no index of the field supports. */
  #assertPossible(): void {
    const { order, start, part } = this.abilities;
    const { isPattern, isPrefix, isSuffix } = this.value;
    if (isPattern) throw this.notIndexed('no * stands within a value; in quotation marks, \\* is the sign itself');
    if (this.operator !== '=') {
      if (!order) throw this.notIndexed('it has no order', this.restriction.operatorIndex);
      if (isPrefix || isSuffix) throw this.valueError('with * has no order; leave the * out');
    }
    if (isSuffix && !part) throw this.notIndexed('no index answers by a part of it');
    if (this.isStart && this.text !== '' && !start) throw this.notIndexed('no index answers by how it begins');
  }
}

function operatorOf({ operator, values }: Restriction, value: FilterValue): OrderOperator {
  switch (operator) {
    case '!=':
    case ':':
      return '=';
    case 'BETWEEN':
      return value === values[0] ? '>=' : '<=';
    default:
      return operator;
  }
}
