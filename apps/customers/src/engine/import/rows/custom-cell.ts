import type { CustomFieldType } from '../../fields/custom-field.entity.js';
import { itemSeparators, splitItems } from '../../values/cell-items.js';
import { cellText } from './cell-value.js';
import { isoDay, type ReadDay } from './read-day.js';

/**
 * What a cell says of a custom field of a type, in the form that the contract has it. A text that is no such value stays
 * what it is, for the field to refuse; undefined when the cell is empty.
 */
export function customCell(type: CustomFieldType, cell: unknown, readDay: ReadDay = isoDay): unknown {
  const text = cellText(cell);
  // Lists and objects are as the contract has them, or wrong.
  if (text === null) return cell;
  if (text === undefined) return undefined;
  return type === 'DATE' ? readDay(text) : (textForms[type]?.(text) ?? text);
}

/** What the text of a cell is for types whose values files write otherwise; undefined when it is no such value. */
const textForms: Partial<Record<CustomFieldType, (text: string) => unknown>> = {
  NUMBER: (text) => (/^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined),
  BOOLEAN: (text) => booleans.get(text.toLowerCase()),
  MONEY: money,
  MULTI_SELECT: (text) => splitItems(text, itemSeparators.choice).flatMap((item) => item.trim() || []),
  REFERENCE: (text) => text.toLowerCase(),
};

const booleans = new Map([
  ...['true', 'yes', '1'].map((word) => [word, true] as const),
  ...['false', 'no', '0'].map((word) => [word, false] as const),
]);

function money(text: string): unknown {
  const { amount, before, after } =
    /^((?<before>[a-z]{3})\s*)?(?<amount>[-+]?[\d.]+)(\s*(?<after>[a-z]{3}))?$/i.exec(text)?.groups ?? {};
  const currency = before ?? after;
  if (currency === undefined || (before !== undefined && after !== undefined)) return undefined;
  return { amount, currencyCode: currency.toUpperCase() };
}
