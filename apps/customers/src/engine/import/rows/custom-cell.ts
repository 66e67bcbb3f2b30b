import { structViolation } from '@rapport/contracts';
import type { CustomFieldType } from '@rapport/contracts/filters';
import { customFieldPath, type CustomFields } from '../../fields/custom-fields.js';
import type { RecordMessage } from '../../fields/record-definition.js';
import { itemSeparators, splitItems } from '../../values/cell-items.js';
import { cellText } from './cell-value.js';
import { isoDay, type ReadDay } from './read-day.js';
import { cellLeftOut, type RowIssue } from './row-issue.js';

/**
 * The value of a cell for a custom field type, in the contract's form. Invalid text stays unchanged, for the field to
 * refuse; undefined for an empty cell.
 */
export function customCell(type: CustomFieldType, cell: unknown, readDay: ReadDay = isoDay): unknown {
  const text = cellText(cell);
  // Lists and objects are in the contract's form, or invalid.
  if (text === null) return cell;
  if (text === undefined) return undefined;
  return type === 'DATE' ? readDay(text) : (textForms[type]?.(text) ?? text);
}

/** Stores a cell's custom field value in a record, or several from an object when no key is given. */
export function putCustomCell(
  record: Pick<RecordMessage, 'customFields'>,
  key: string | undefined,
  cell: unknown,
  { customFields, readDay }: { customFields: CustomFields; readDay: ReadDay },
): RowIssue[] {
  if (key !== undefined) return putCustomValue(record, key, cell, { customFields, readDay });
  if (cellText(cell) === undefined) return [];
  if (typeof cell !== 'object' || cell === null || Array.isArray(cell)) {
    const why = 'is not an object with the values of custom fields';
    return [cellLeftOut('customFields', cell, 'VALUE_INVALID', why)];
  }
  return Object.entries(cell).flatMap(([each, item]) => putCustomValue(record, each, item, { customFields, readDay }));
}

function putCustomValue(
  record: Pick<RecordMessage, 'customFields'>,
  key: string,
  cell: unknown,
  { customFields, readDay }: { customFields: CustomFields; readDay: ReadDay },
): RowIssue[] {
  const type = customFields.get(key)?.type;
  const value = type ? customCell(type, cell, readDay) : cell;
  if (value === undefined || value === null) return [];
  // Each cell is read separately, so that an invalid one does not discard the others.
  const violation = structViolation({ [key]: value });
  if (violation)
    return [cellLeftOut(customFieldPath(key), value, violation.reason, 'is not a value of a custom field')];
  record.customFields = { [key]: value, ...record.customFields };
  return [];
}

/** Parses the text of a cell for types with other spellings in files; undefined when it is invalid. */
const textForms: Partial<Record<CustomFieldType, (text: string) => unknown>> = {
  NUMBER: numberOf,
  BOOLEAN: booleanOf,
  MONEY: moneyOf,
  MULTI_SELECT: (text) => splitItems(text, itemSeparators.choice).flatMap((item) => item.trim() || []),
  REFERENCE: (text) => text.toLowerCase(),
};

const booleans = new Map([
  ...['true', 'yes', '1'].map((word) => [word, true] as const),
  ...['false', 'no', '0'].map((word) => [word, false] as const),
]);

/** The number in a text; undefined for another text. */
export function numberOf(text: string): number | undefined {
  return /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

export function booleanOf(text: string): boolean | undefined {
  return booleans.get(text.toLowerCase());
}

/** The amount in a text such as `12.50 EUR` or `EUR 12.50`; undefined for another text. */
export function moneyOf(text: string): { amount: string | undefined; currencyCode: string } | undefined {
  const { amount, before, after } =
    /^((?<before>[a-z]{3})\s*)?(?<amount>[-+]?[\d.]+)(\s*(?<after>[a-z]{3}))?$/i.exec(text)?.groups ?? {};
  const currency = before ?? after;
  if (currency === undefined || (before !== undefined && after !== undefined)) return undefined;
  return { amount, currencyCode: currency.toUpperCase() };
}
