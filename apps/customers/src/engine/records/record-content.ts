import type { RecordField } from '@rapport/contracts';
import { etagVersion } from '@rapport/persistence';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import { type MoneyValue, kindOf, moneyOrderValue, searchText, sortName } from '@rapport/contracts/filters';
import type { CustomFields } from '../fields/custom-fields.js';
import { recordTerms } from '../fields/terms.js';
import { currentSeal } from '../sealing/seal.js';
import { storedPart } from '../sealing/sealed-messages.js';
import { onceFor } from '../values/once-for.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';

/** The values of all columns of a record by name, except the tenant's. */
export type RecordColumns = Record<string, unknown>;

/** The stored form of a normalized record: encrypted when the tenant encrypts. Call `Seal.prepare` first. */
export function recordColumns<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  customFields: CustomFields,
): RecordColumns {
  const stored = storedPart(type, type.subjectOf(record), record) as unknown as Values;
  const columns = contentColumns(type, record, customFields);
  for (const { column, name, convert } of fieldColumns(type)) columns[column] = convert(stored[name]);
  columns['version'] = etagVersion(record.etag);
  return columns;
}

/** The columns derived from writable fields, by which records are found and sorted. */
export function contentColumns<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  customFields: CustomFields,
): RecordColumns {
  const { definition, derived } = type;
  const seal = currentSeal();
  const custom = customFields.of(type.parentOf(record)).index(record.customFields);
  const columns: RecordColumns = { index_version: definition.indexVersion };
  if (derived.searchText) {
    const texts = seal ? definition.openTexts(record) : definition.searchTexts(record);
    columns['search_text'] = searchText([...texts, ...custom.searchTexts]);
  }
  if (derived.terms) {
    columns['terms'] = [...recordTerms(type, record), ...custom.terms, ...(definition.moreTerms?.(record) ?? [])];
  }
  if (derived.orderValues) columns['order_values'] = custom.orderValues;
  if (derived.sealed) columns['sealed'] = seal !== undefined;
  for (const { name, sorted, order } of sortedColumns(type)) {
    const value = (record as unknown as Values)[name];
    columns[sorted] = value === undefined ? null : order(value);
  }
  return columns;
}

type Values = Record<string, unknown>;

/** Names of the columns that `recordColumns` sets. */
export const storedColumns = onceFor((type: RecordType): readonly string[] => [
  ...fieldColumns(type).map(({ column }) => column),
  ...['index_version', 'version'],
  ...(type.derived.searchText ? ['search_text'] : []),
  ...(type.derived.terms ? ['terms'] : []),
  ...(type.derived.orderValues ? ['order_values'] : []),
  ...(type.derived.sealed ? ['sealed'] : []),
  ...sortedColumns(type).map(({ sorted }) => sorted),
]);

/** Names of columns of the type text[]. Other lists are JSON. */
export const textLists = onceFor((type: RecordType): ReadonlySet<string> => {
  const lists = type.contract.fields.filter(({ desc, parts }) => desc.fieldKind === 'list' && parts.length === 0);
  return new Set(['terms', ...lists.map(({ column }) => column)]);
});

interface FieldColumn {
  name: string;
  column: string;
  /** The column value of a field value. */
  convert: (value: unknown) => unknown;
}

const fieldColumns = onceFor((type: RecordType): readonly FieldColumn[] =>
  type.contract.fields
    .filter(({ column }) => column !== 'etag')
    .map((field) => ({ name: field.name, column: field.column, convert: storing(field) })),
);

function storing({ desc, name, isId }: RecordField): FieldColumn['convert'] {
  const names = new Map(desc.enum?.values.map(({ number, localName }) => [number, localName]));
  if (desc.enum) return (value) => (value === 0 || value === undefined ? null : names.get(value as number));
  if (name === 'customFields') return (value) => value ?? {};
  return isId ? (value) => (value === '' ? null : (value ?? null)) : (value) => value ?? null;
}

/** The sort key of a field, in a column beside the field's own. */
interface SortedColumn {
  name: string;
  sorted: string;
  order: (value: unknown) => string;
}

const sortedColumns = onceFor((type: RecordType): readonly SortedColumn[] =>
  type.contract.fields.flatMap((field) => {
    const { name, column, index } = field;
    if (index.order === FieldOrder.UNSPECIFIED) return [];
    const sorted = type.sortColumn(field);
    const kind = kindOf(field);
    if (kind === 'TEXT') return [{ name, sorted, order: (text) => sortedText(type, column, text as string) }];
    return kind === 'MONEY' ? [{ name, sorted, order: (value) => moneyOrderValue(value as MoneyValue) }] : [];
  }),
);

/** The search form of a text: encrypted text only supports equality. */
export function sortedText(type: RecordType, column: string, text: string): string {
  const sorted = sortName(text);
  return type.isPersonal(column) ? (currentSeal()?.blind(column, sorted) ?? sorted) : sorted;
}
