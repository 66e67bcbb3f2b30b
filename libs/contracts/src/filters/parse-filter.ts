import { filterError } from './filter-error.js';

/** A filter as a tree. */
export type Filter =
  | { type: 'and' | 'or'; operands: Filter[] }
  | { type: 'not'; operand: Filter }
  | { type: 'restriction'; restriction: Restriction };

/** One comparison, such as `create_time >= "2026-01-01T00:00:00Z"`. */
export interface Restriction {
  field: string;
  /** Where the field begins: the index of its first UTF-16 code unit. */
  fieldIndex: number;
  operator: FilterOperator;
  operatorIndex: number;
  value: FilterValue;
}

export type FilterOperator = '=' | '!=' | '<' | '<=' | '>' | '>=' | ':';

export interface FilterValue {
  text: string;
  /** True when the value ended in `*`: `text` is only how a match begins. */
  isPrefix: boolean;
  /** True when a `*` stands elsewhere, which asks for a part of a text or how it ends. */
  isPattern: boolean;
  index: number;
}

/** Deepest nesting of parentheses and negations. */
const maxDepth = 20;
const maxTerms = 50;

/**
 * Reads a filter (AIP-160): `NOT` and `-` bind closest, then `OR`, then `AND`; restrictions without a word between them
 * are joined by AND. Values are bare words or quoted by " or ', where \ takes the next character as it is.
 *
 * @returns undefined when there is nothing in it
 * @throws AppError INVALID_ARGUMENT FILTER_SYNTAX that tells the position of the error
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
    this.#terms += 1;
    if (this.#terms > maxTerms) throw this.#error(`there are more than ${maxTerms} comparisons`, fieldIndex);
    this.#skipSpace();
    const operatorIndex = this.#index;
    const operator = this.#match(/!=|<=|>=|[=<>:]/y);
    if (!operator) throw this.#error(`one of = != < <= > >= : is expected after ${field}`);
    this.#skipSpace();
    const restriction = {
      field,
      fieldIndex,
      operator: operator as FilterOperator,
      operatorIndex,
      value: this.#value(),
    };
    this.#skipSpace();
    return { type: 'restriction', restriction };
  }

  #value(): FilterValue {
    const index = this.#index;
    const quote = this.#match(/["']/y);
    if (quote) return this.#quoted(quote, index);
    const bare = this.#match(/[^\s()"'=<>!]+/y);
    if (!bare) throw this.#error('a value is expected');
    const isPrefix = bare.endsWith('*');
    const text = isPrefix ? bare.slice(0, -1) : bare;
    return { text, isPrefix, isPattern: text.includes('*'), index };
  }

  #quoted(quote: string, index: number): FilterValue {
    let text = '';
    let isPattern = false;
    for (;;) {
      const character = this.filter[this.#index];
      if (character === undefined) throw this.#error('this quotation mark has no counterpart', index);
      this.#index += 1;
      if (character === quote) return { text, isPrefix: false, isPattern, index };
      if (character === '*' && this.filter[this.#index] === quote) {
        this.#index += 1;
        return { text, isPrefix: true, isPattern, index };
      }
      isPattern ||= character === '*';
      if (character === '\\') text += this.#escaped();
      else text += character;
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
