import { digits, sortName } from '../search-text.js';
import { filterError } from './filter-error.js';
import { filterField, filterFieldNames, type FilterField } from './filter-fields.js';
import type { Filter, FilterOperator, Restriction } from './parse-filter.js';

/** A condition on the table customer, with a `?` for each parameter. */
export interface Condition {
  sql: string;
  params: (string | number)[];
}

/**
 * Makes SQL of a filter. Every value travels as a parameter. A comparison with what a customer does not have is false,
 * and its negation true.
 *
 * @param filter what `tree` was parsed from, for positions in errors
 * @param live whether live customers are asked for, whose unique values have an index
 * @throws AppError INVALID_ARGUMENT FILTER_FIELD_UNKNOWN, FILTER_VALUE_INVALID or FILTER_SYNTAX (operator) with position
 */
export function compileFilter(filter: string, tree: Filter, live: boolean): Condition {
  switch (tree.type) {
    case 'and':
    case 'or': {
      const operands = tree.operands.map((operand) => compileFilter(filter, operand, live));
      return {
        sql: `(${operands.map(({ sql }) => sql).join(` ${tree.type} `)})`,
        params: operands.flatMap(({ params }) => params),
      };
    }
    case 'not':
      return negated(compileFilter(filter, tree.operand, live));
    case 'restriction':
      return new RestrictionCompiler(filter, tree.restriction, live).compile();
  }
}

// SQL's NOT of an unknown comparison is unknown; a filter means "everything else".
function negated({ sql, params }: Condition): Condition {
  return { sql: `(${sql}) is not true`, params };
}

class RestrictionCompiler {
  constructor(
    private readonly filter: string,
    private readonly restriction: Restriction,
    private readonly live: boolean,
  ) {}

  compile(): Condition {
    const { field: name, fieldIndex, operator } = this.restriction;
    const field = filterField(name);
    if (!field) {
      const problem = `${name} is no field; fields are ${filterFieldNames.join(', ')}`;
      throw filterError('FILTER_FIELD_UNKNOWN', this.filter, fieldIndex, problem);
    }
    return operator === '!=' ? negated(this.#compare(field, '=')) : this.#compare(field, operator);
  }

  #compare(field: FilterField, operator: Exclude<FilterOperator, '!='>): Condition {
    switch (field.type) {
      case 'uuid':
      case 'time':
      case 'enum':
        return this.#compareExact(field, operator);
      case 'text':
        return this.#compareText(field.column, operator, `${field.column} collate "C"`, this.restriction.value.text);
      case 'name':
        return this.#compareText('display_name', operator, 'sort_name', sortName(this.restriction.value.text));
      case 'emails':
        return this.#has(operator, () => this.#hasEmail());
      case 'phones':
        return this.#has(operator, () => this.#hasPhone());
      case 'domains':
        return this.#has(operator, () => this.#hasDomain());
      case 'tags':
        return this.#has(operator, () => this.#matchAny('unnest(tags) as item', 'lower(item)', this.#lowerText()));
      case 'external_ids':
        return this.#has(operator, () => this.#hasExternalId());
      case 'address':
        return this.#has(operator, () =>
          this.#matchAny('jsonb_array_elements(addresses) as item', `lower(item->>'${field.key}')`, this.#lowerText()),
        );
    }
  }

  #compareExact(field: FilterField & { column: string }, operator: Exclude<FilterOperator, '!='>): Condition {
    const { text, isPrefix } = this.restriction.value;
    const sqlOperator = operator === ':' ? '=' : operator;
    if (isPrefix) {
      if (text === '' && sqlOperator === '=') return { sql: `${field.column} is not null`, params: [] };
      throw this.#valueError('* can only end a text');
    }
    if (field.type === 'enum') {
      const position = field.names.indexOf(text.toUpperCase());
      if (position < 0) throw this.#valueError(`must be one of ${field.names.join(', ')}`);
      if (sqlOperator === '=') return { sql: `${field.column} = ?`, params: [text.toUpperCase()] };
      const names = field.names.map((name) => `'${name}'`).join(', ');
      return { sql: `array_position(array[${names}], ${field.column}) ${sqlOperator} ?`, params: [position + 1] };
    }
    const type = field.type === 'time' ? 'timestamptz' : 'uuid';
    const value = field.type === 'time' ? this.#time() : this.#uuid();
    return { sql: `${field.column} ${sqlOperator} ?::${type}`, params: [value] };
  }

  #compareText(
    column: string,
    operator: Exclude<FilterOperator, '!='>,
    ordered: string,
    orderedValue: string,
  ): Condition {
    const { text, isPrefix } = this.restriction.value;
    if (operator === '=' || operator === ':') {
      return isPrefix ? { sql: `starts_with(${column}, ?)`, params: [text] } : { sql: `${column} = ?`, params: [text] };
    }
    if (isPrefix) throw this.#valueError('* has no order; leave it out');
    return { sql: `${ordered} ${operator} ?`, params: [orderedValue] };
  }

  #has(operator: Exclude<FilterOperator, '!='>, condition: () => Condition): Condition {
    if (operator === ':' || operator === '=') return condition();
    const { field, operatorIndex } = this.restriction;
    throw filterError('FILTER_SYNTAX', this.filter, operatorIndex, `${field} has no order; use : or !=`);
  }

  #hasEmail(): Condition {
    const value = this.#lowerText();
    if (this.live && !this.restriction.value.isPrefix) return hasKey('EMAIL', value);
    return this.#matchAny('jsonb_array_elements(emails) as item', `lower(item->>'address')`, value);
  }

  #hasDomain(): Condition {
    const value = this.#lowerText();
    if (this.live && !this.restriction.value.isPrefix) return hasKey('DOMAIN', value);
    return this.#matchAny('unnest(domains) as item', 'item', value);
  }

  /** `system` alone, `system/value`, or `system/` and how the value begins. */
  #hasExternalId(): Condition {
    const { text, isPrefix } = this.restriction.value;
    if (this.live && !isPrefix && text.includes('/')) return hasKey('EXTERNAL_ID', text);
    const item = text.includes('/') || isPrefix ? `concat(item->>'system', '/', item->>'value')` : `item->>'system'`;
    return this.#matchAny('jsonb_array_elements(external_ids) as item', item, text);
  }

  /** Numbers are compared by their digits, however the filter groups them. */
  #hasPhone(): Condition {
    const { text, isPrefix } = this.restriction.value;
    const number = digits(text);
    if (number === '' && !(isPrefix && text === '')) throw this.#valueError('must have digits');
    const item = `regexp_replace(item->>'number', '[^0-9]', '', 'g')`;
    return this.#matchAny('jsonb_array_elements(phones) as item', item, number);
  }

  #matchAny(items: string, item: string, value: string): Condition {
    const match = this.restriction.value.isPrefix ? `starts_with(${item}, ?)` : `${item} = ?`;
    return { sql: `exists (select from ${items} where ${match})`, params: [value] };
  }

  #lowerText(): string {
    return this.restriction.value.text.toLowerCase();
  }

  #uuid(): string {
    const text = this.#lowerText();
    if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return text;
    throw this.#valueError('must be a UUID');
  }

  /** PostgreSQL refuses the years before 1 and has another way to write those after 9999. */
  #time(): string {
    const { text } = this.restriction.value;
    const isTime = /^\d{4}-\d\d-\d\d([Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d))?$/.test(text);
    const time = new Date(isTime ? text.toUpperCase() : Number.NaN);
    const year = time.getUTCFullYear();
    if (year >= 1 && year <= 9999) return time.toISOString();
    throw this.#valueError('must be a time such as "2026-01-31T09:30:00Z" or a date such as 2026-01-31');
  }

  #valueError(problem: string) {
    const { field, value } = this.restriction;
    return filterError('FILTER_VALUE_INVALID', this.filter, value.index, `${field} ${problem}`);
  }
}

function hasKey(type: string, value: string): Condition {
  return { sql: 'id in (select customer_id from customer_key where type = ? and value = ?)', params: [type, value] };
}
