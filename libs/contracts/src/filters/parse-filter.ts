import { camelCase } from '../values/letter-case.js';
import { filterError } from './filter-error.js';

/** A filter as a tree. */
export type Filter =
  | { type: 'and' | 'or'; operands: Filter[] }
  | { type: 'not'; operand: Filter }
  | { type: 'restriction'; restriction: Restriction };

/** One comparison, such as `createTime >= "2026-01-01T00:00:00Z"`. */
export interface Restriction {
  /**
   * In lowerCamelCase, in any spelling of the filter; keys of custom fields and objects and types of associations are
   * unchanged.
   */
  field: string;
  /** Where the field begins: the index of its first UTF-16 code unit. */
  fieldIndex: number;
  operator: FilterOperator;
  operatorIndex: number;
  /** One value; or the list of IN, with the operator `=`, of which any may match; or the bounds of BETWEEN. */
  values: readonly FilterValue[];
}

export type FilterOperator = '=' | '!=' | '<' | '<=' | '>' | '>=' | ':' | 'BETWEEN';

export interface FilterValue {
  /** Without a `*` at its start and end. */
  text: string;
  /** True when the value began with `*`: `text` is a suffix, or a substring. */
  isSuffix: boolean;
  /** True when the value ended in `*`: `text` is a prefix, or a substring. */
  isPrefix: boolean;
  /** True when a `*` is elsewhere, which is not supported. */
  isPattern: boolean;
  /** True in quotation marks, where a word such as `me` is a text. */
  isQuoted: boolean;
  index: number;
}

/** Deepest nesting of parentheses and negations. */
const maxDepth = 20;
const maxTerms = 50;
/** Most values of a list of IN. */
const maxValues = 100;

/**
 * Reads a filter (AIP-160): `NOT` and `-` bind closest, then `OR`, then `AND`; restrictions without a word between them are
 * joined by AND. Values are bare words or quoted by " or ', where \ escapes the next character. Besides the operators of
 * AIP-160 there are `field IN (a, b)`, and `field BETWEEN a AND b`, bounds included.
 *
 * @returns undefined for an empty filter
 * @throws AppError INVALID_ARGUMENT FILTER_SYNTAX with the position of the error
 */
export function parseFilter(filter: string): Filter | undefined {
  return new FilterParser(filter).parse();
}

/** All comparisons of a filter. */
export function restrictionsOf(filter: Filter): Restriction[] {
  switch (filter.type) {
    case 'and':
    case 'or':
      return filter.operands.flatMap(restrictionsOf);
    case 'not':
      return restrictionsOf(filter.operand);
    case 'restriction':
      return [filter.restriction];
  }
}

class FilterParser {
  #index = 0;
  #depth = 0;
  #terms = 0;

  constructor(private readonly filter: string) {}

  parse(): Filter | undefined {
    const nul = this.filter.indexOf('\0');
    if (nul >= 0) throw this.#error('the character NUL occurs in no text', nul);
    this.#skipSpace();
    if (this.#atEnd()) return undefined;
    const filter = this.#expression();
    if (!this.#atEnd()) throw this.#error('this parenthesis was not opened');
    return filter;
  }

  #expression(): Filter {
    const operands = [this.#factor()];
    while (!this.#atEnd() && this.filter[this.#index] !== ')') {
      this.#takeWord('AND');
      operands.push(this.#factor());
    }
    return joined('and', operands);
  }

  #factor(): Filter {
    const operands = [this.#term()];
    while (this.#takeWord('OR')) operands.push(this.#term());
    return joined('or', operands);
  }

  #term(): Filter {
    if (this.#takeWord('NOT') || this.#take('-')) return this.#nested(() => ({ type: 'not', operand: this.#term() }));
    const open = this.#index;
    if (!this.#take('(')) return this.#restriction();
    return this.#nested(() => {
      const inner = this.#expression();
      if (!this.#take(')')) throw this.#error('this parenthesis is not closed', open);
      return inner;
    });
  }

  #nested(parse: () => Filter): Filter {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw this.#error(`nesting goes deeper than ${maxDepth}`);
    const filter = parse();
    this.#depth -= 1;
    return filter;
  }

  #restriction(): Filter {
    const fieldIndex = this.#index;
    const field = this.#match(/[A-Za-z_][\w.]*/y);
    if (!field) throw this.#error('the name of a field is expected');
    if (/^(AND|OR|NOT)$/.test(field)) throw this.#error(`${field} joins nothing here`, fieldIndex);
    this.#skipSpace();
    const left = { field: filterPath(field), fieldIndex, operatorIndex: this.#index };
    if (this.#takeWord('IN')) return this.#comparison({ ...left, operator: '=', values: this.#list() });
    if (this.#takeWord('BETWEEN')) return this.#comparison({ ...left, operator: 'BETWEEN', values: this.#range() });
    const operator = this.#match(/!=|<=|>=|[=<>:]/y);
    if (!operator) throw this.#error(`one of = != < <= > >= : IN BETWEEN is expected after ${field}`);
    this.#skipSpace();
    return this.#comparison({ ...left, operator: operator as FilterOperator, values: [this.#value()] });
  }

  #range(): FilterValue[] {
    const from = this.#value();
    this.#skipSpace();
    if (!this.#takeWord('AND')) throw this.#error('AND and a second value are expected after BETWEEN and a value');
    return [from, this.#value()];
  }

  #comparison(restriction: Restriction): Filter {
    this.#terms += 1;
    if (this.#terms > maxTerms)
      throw this.#error(`there are more than ${maxTerms} comparisons`, restriction.fieldIndex);
    this.#skipSpace();
    return { type: 'restriction', restriction };
  }

  #list(): FilterValue[] {
    const open = this.#index;
    if (!this.#take('(')) throw this.#error('a list such as (a, b) is expected after IN');
    const values: FilterValue[] = [];
    do {
      values.push(this.#value(/[^\s()"'=<>!,]+/y));
      if (values.length > maxValues) throw this.#error(`there are more than ${maxValues} values`, open);
      this.#skipSpace();
    } while (this.#take(','));
    if (!this.#take(')')) throw this.#error('a comma or ) is expected in a list', this.#index);
    return values;
  }

  #value(bareWord = /[^\s()"'=<>!]+/y): FilterValue {
    const index = this.#index;
    const quote = this.#match(/["']/y);
    if (quote) return this.#quoted(quote, index);
    const bare = this.#match(bareWord);
    if (!bare) throw this.#error('a value is expected');
    const isSuffix = bare.length > 1 && bare.startsWith('*');
    const isPrefix = bare.endsWith('*');
    const text = bare.slice(isSuffix ? 1 : 0, isPrefix ? -1 : undefined);
    return { text, isSuffix, isPrefix, isPattern: text.includes('*'), isQuoted: false, index };
  }

  #quoted(quote: string, index: number): FilterValue {
    const value = { text: '', isSuffix: false, isPrefix: false, isPattern: false, isQuoted: true, index };
    for (;;) {
      const character = this.filter[this.#index];
      if (character === undefined) throw this.#error('this quotation mark has no counterpart', index);
      this.#index += 1;
      if (character === quote) return value;
      if (character === '*') this.#star(quote, value);
      else value.text += character === '\\' ? this.#escaped() : character;
    }
  }

  #star(quote: string, value: FilterValue): void {
    const isFirst = this.#index === value.index + 2;
    const isLast = this.filter[this.#index] === quote;
    if (isLast) value.isPrefix = true;
    else if (isFirst) value.isSuffix = true;
    else {
      value.isPattern = true;
      value.text += '*';
    }
  }

  #escaped(): string {
    const character = this.filter[this.#index];
    if (character === undefined) throw this.#error('a character is expected after \\');
    this.#index += 1;
    return character;
  }

  #takeWord(word: string): boolean {
    const found = this.#match(new RegExp(`${word}(?=[\\s(-])`, 'y')) !== undefined;
    if (found) this.#skipSpace();
    return found;
  }

  #take(character: string): boolean {
    if (this.filter[this.#index] !== character) return false;
    this.#index += 1;
    this.#skipSpace();
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#index;
    const [found] = pattern.exec(this.filter) ?? [];
    this.#index += found?.length ?? 0;
    return found;
  }

  #skipSpace(): void {
    this.#match(/\s+/y);
  }

  #atEnd(): boolean {
    return this.#index === this.filter.length;
  }

  #error(problem: string, index = this.#index) {
    return filterError('FILTER_SYNTAX', this.filter, index, problem);
  }
}

function joined(type: 'and' | 'or', operands: Filter[]): Filter {
  const [first] = operands;
  return operands.length === 1 && first ? first : { type, operands };
}

/** The name of a field as filters spell it. */
function filterPath(field: string): string {
  const names = field.split('.');
  return names.map((name, index) => (isFreeName(names[index - 1]) ? name : camelCase(name))).join('.');
}

/** Whether a key that the tenant has chosen follows a name. */
function isFreeName(before: string | undefined): boolean {
  return before !== undefined && ['customFields', 'associations', 'objects'].includes(camelCase(before));
}
