import type { CustomFieldType } from '../custom-fields/custom-field.entity.js';
import { cellText } from './cell-value.js';

/**
 * What a cell says of a custom field of a type, in the form that the contract has it. A text that is no such value stays
 * what it is, for the field to refuse; undefined when the cell is empty.
 */
export function customCell(type: CustomFieldType, cell: unknown): unknown {
  const text = cellText(cell);
  // Lists and objects are as the contract has them, or wrong.
  if (text === null) return cell;
  if (text === undefined) return undefined;
  return textForms[type]?.(text) ?? text;
}

/** Days of files that name the year first, such as 20260131 or 2026/01/31, as the contract has them. */
export function isoDay(text: string): string {
  return text.replace(/^(\d{4})([-/.]?)(\d\d)\2(\d\d)$/, '$1-$3-$4');
}

/** What the text of a cell is for types whose values files write otherwise; undefined when it is no such value. */
const textForms: Partial<Record<CustomFieldType, (text: string) => unknown>> = {
  NUMBER: (text) => (/^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined),
  BOOLEAN: (text) => booleans.get(text.toLowerCase()),
  MONEY: money,
  MULTI_SELECT: (text) => text.split(';').flatMap((item) => item.trim() || []),
  DATE: isoDay,
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
