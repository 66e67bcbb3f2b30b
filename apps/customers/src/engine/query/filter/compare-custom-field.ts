import { customFieldKinds, sortName } from '@rapport/contracts/filters';
import type { Definition } from '../../fields/custom-fields.js';
import type { Comparison } from './comparison.js';
import type { Condition, Sql } from './condition.js';
import { prefixRange } from './prefix-range.js';

/** Compares one of the tenant's own fields, as its type allows. */
export function compareCustomField(definition: Definition, comparison: Comparison): Condition {
  const { key, type } = definition;
  const kind = customFieldKinds[type];
  comparison.assertOneOf({ prefix: type === 'TEXT' || type === 'MONEY', order: kind.order !== undefined });
  if (comparison.isPresence) return comparison.hasTerm([`x.${key}`]);
  if (comparison.isPrefix) {
    const prefix = type === 'MONEY' ? readCurrency(comparison) : sortName(comparison.text);
    return inOrder(key, comparison, (value) => prefixRange(value, prefix));
  }
  const value = readTypedValue(definition, comparison);
  if (comparison.isEquality) return comparison.hasTerm(kind.terms(value).map((term) => `x.${key}:${term}`));
  const order = kind.order?.(value) ?? '';
  return inOrder(key, comparison, (on) => ({ sql: `${on} ${comparison.operator} ?`, params: [order] }));
}

/** A range of the order that the field has. */
function inOrder(key: string, { table, type }: Comparison, on: (column: string) => Sql): Condition {
  const inRow = on(`(${table}.order_values->>'${key}') collate "C"`);
  const inIndex = on('value');
  return {
    row: { sql: `(${inRow.sql}) is true`, params: inRow.params },
    index: {
      sql: `${table}.id = any(array(select ${type.table}_id from ${type.table}_order_value where field = ? and ${inIndex.sql}))`,
      params: [key, ...inIndex.params],
    },
    range: { orderedBy: `custom_fields.${key}`, on },
  };
}

/** The value that the text of a filter stands for. */
export function readTypedValue(
  { type, options }: Pick<Definition, 'type' | 'options'>,
  comparison: Comparison,
): unknown {
  const result = customFieldKinds[type].read(given(type, comparison.text), options);
  if ('value' in result) return result.value;
  throw comparison.valueError(type === 'MONEY' ? 'must be an amount such as "EUR 12.50"' : result.description);
}

/** The text in the form that the type has in JSON. */
function given(type: Definition['type'], text: string): unknown {
  switch (type) {
    case 'NUMBER':
      return /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d{1,3})?$/i.test(text) ? Number(text) : text;
    case 'BOOLEAN':
      return { true: true, false: false }[text.toLowerCase()] ?? text;
    case 'MONEY':
      return givenMoney(text);
    case 'MULTI_SELECT':
      return [text];
    case 'TIME':
      return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
    case 'REFERENCE':
      return text.toLowerCase();
    case 'TEXT':
    case 'DECIMAL':
    case 'DATE':
    case 'SELECT':
    case 'URL':
      return text;
  }
}

function givenMoney(text: string) {
  const [, currencyCode = '', amount] = /^([A-Za-z]{3})\s+(\S+)$/.exec(text) ?? [];
  return { amount, currencyCode: currencyCode.toUpperCase() };
}

/** The currency whose amounts a prefix such as `EUR*` asks for. */
export function readCurrency(comparison: Comparison): string {
  const [, code] = /^([A-Za-z]{3}) ?$/.exec(comparison.text) ?? [];
  if (code === undefined) throw comparison.valueError('can begin with a whole currency code only, such as "EUR*"');
  return `${code.toUpperCase()} `;
}
