import { ScalarType } from '@bufbuild/protobuf';
import { absentValue, snakeCase, type RecordField } from '@rapport/contracts';
import { Format } from '@rapport/contracts/rapport/api/v1/options';
import { isMoney, itemName, textPart } from '../../export/csv-columns.js';
import { keyName } from '../../fields/filter-fields.js';
import { recordType, recordTypes, type RecordType } from '../../fields/record-type.js';
import { contract, recordContract } from '../../values/contract.js';
import { onceFor } from '../../values/once-for.js';
import { simpleName } from '../columns/simple-name.js';
import type { ImportField } from '../import-rules.js';
import { cellText } from '../rows/cell-value.js';
import { booleanOf, moneyOf, numberOf } from '../rows/custom-cell.js';
import type { ReadDay } from '../rows/read-day.js';

/** Parses a cell into the value of a field. Undefined for an invalid cell. */
export type ReadCell = (cell: unknown, readDay: ReadDay) => unknown;

/** An importable field, and its values in a row. */
export type DerivedField = ImportField & {
  /** JSON name of the field of the record. */
  name: string;
} & (
    | { kind: 'ID' | 'CUSTOM_FIELDS' | 'EXTERNAL_ID' }
    /** `noun` names a valid value in issues. */
    | { kind: 'VALUE'; read: ReadCell; noun: string }
    /** An amount. `read` leaves the currency empty if the cell has none. */
    | { kind: 'MONEY'; read: (cell: unknown, readDay: ReadDay) => MoneyCell | undefined }
    /** The currency of the amounts of a row that have none: no field of the record. */
    | { kind: 'CURRENCY' }
    | { kind: 'TEXTS' }
    /** Messages. `part` is the part that a plain text sets; a list without it accepts only JSON objects. */
    | { kind: 'ITEMS'; read: ReadCell; part: string | undefined; targetOf?: (label: string) => NamedTarget | undefined }
    /** Another record by one of its unique values, or by its name. */
    | { kind: 'NAMED'; target: () => RecordType; isRequired: boolean }
    /** A user by e-mail address or display name. */
    | { kind: 'USER'; isRequired: boolean }
  );

/**
 * The importable fields of a type by their names in `map`: writable fields, in snake_case and lists in the singular;
 * external ids with a system, custom fields with a key, and references by id or by a unique value of the target, as in
 * `customer.email`. Columns of other systems often begin with the type, as in `Deal Stage` or `Ticket name`.
 *
 * @param title JSON name of the field that names a record
 */
export function derivedFields(type: RecordType, title: string | undefined): Map<string, DerivedField> {
  const fields = type.contract.fields.filter(({ writable }) => writable !== 'NEVER');
  const taken = new Set(fields.map(({ name }) => name));
  const all = fields.flatMap((field) => {
    const others = field.name === title ? titles.filter((each) => !taken.has(each)) : [];
    return derivedField(type, field, [field.name, ...others]);
  });
  const hasAmounts = all.some(([, { kind }]) => kind === 'MONEY') && !taken.has('currency');
  const currency: [string, DerivedField][] = hasAmounts ? [['currency', currencyOf(type)]] : [];
  return new Map([['id', { kind: 'ID', name: 'id' }], ...currency, ...all]);
}

function currencyOf({ singular }: RecordType): DerivedField {
  const names = ['currency', 'currencyCode', 'currencyIsoCode'];
  return {
    kind: 'CURRENCY',
    name: 'currency',
    columns: names.flatMap((each) => [each, singular + each]).map(simpleName),
  };
}

/** What other systems call the field that names a record. */
const titles = ['name', 'title', 'subject'];

function derivedField(
  type: RecordType,
  field: RecordField,
  names: readonly string[],
): [name: string, field: DerivedField][] {
  const { name, column, desc, parts, reference, isRequired } = field;
  const ofType = names.map((each) => type.singular + each);
  const columns = [...new Set([column, itemName(column), ...names, ...ofType].map(simpleName))];
  if (name === 'customFields') return [[column, { kind: 'CUSTOM_FIELDS', name, columns, isLabelled: true }]];
  if (desc.fieldKind === 'list') {
    const list = { name, columns, plural: column, takesMany: true };
    if (parts.some((part) => part.name === 'system')) {
      // A whole list in JSON includes the systems; see `guess` of the rules.
      const ids = [
        ...columns.filter((each) => each !== simpleName(column)),
        `${simpleName(type.singular)}id`,
        'recordid',
        'id',
      ];
      return [['external_id', { ...list, kind: 'EXTERNAL_ID', columns: ids, isLabelled: true }]];
    }
    if (field.relatedTypes) {
      const targetOf = (label: string) => relatedTarget(field, label);
      const isLabel = (label: string) => label === '' || targetOf(label) !== undefined;
      const refs = { ...list, isLabelled: true, isLabel, targetOf };
      return [[itemName(column), { ...refs, kind: 'ITEMS', part: 'id', read: readRef(field) }]];
    }
    const part = textPart(parts);
    if (parts.length === 0) return [[itemName(column), { ...list, kind: 'TEXTS' }]];
    return [[itemName(column), { ...list, kind: 'ITEMS', part, read: readMessage(field) }]];
  }
  if (isMoney(field)) return [[column, { kind: 'MONEY', name, columns, read: readMoney(field) }]];
  const value: DerivedField = { kind: 'VALUE', name, columns, ...readerOf(field) };
  if (field.isUser && column.endsWith('_id')) {
    const role = column.replace(/_id$/, '');
    const called = [role, ...(role === 'owner' ? ['assignee', 'assignedto', 'agent'] : [])];
    const ofRole = called.flatMap((each) => [each, `${each}email`, type.singular + each]).map(simpleName);
    return [
      [column, value],
      [role, { kind: 'USER', name, columns: [...new Set(ofRole)], isRequired }],
    ];
  }
  if (reference === undefined) return [[column, value]];
  // Resolved later, because its module may not be loaded yet.
  const target = () => recordType(reference);
  const isLabel = (label: string) => isKeyLabel(target(), label) || (label === '' && isFoundByName(reference));
  const role = column.replace(/_id$/, '');
  // A type that is found by unique values only is not guessed from a column that names it.
  const columnsOfName = isFoundByName(reference) ? [role, type.singular + role].map(simpleName) : [];
  const named = { name, isLabelled: true, isLabel, target, isRequired, columns: columnsOfName };
  return [
    [column, value],
    [role, { ...named, kind: 'NAMED' }],
  ];
}

/** A record that a label such as `customer.externalId.crm` leads to, and the rest of the label. */
export interface NamedTarget {
  type: RecordType;
  label: string;
}

function relatedTarget({ relatedTypes = [] }: RecordField, text: string): NamedTarget | undefined {
  const [, singular = '', given = ''] = /^([^.]+)\.(.+)$/s.exec(text) ?? [];
  if (!relatedTypes.includes(singular)) return undefined;
  const type = [...recordTypes()].find((each) => each.singular === singular);
  const label = given.replace(/^[^.]*/, snakeCase);
  return type && isKeyLabel(type, label) ? { type, label } : undefined;
}

export function isKeyLabel(type: RecordType, label: string): boolean {
  return keyLabels(type).has(label.replace(/^external_id\..+$/, 'external_id.'));
}

/** Whether rows can name records of a type by their names: a workspace has few of its configuration. */
function isFoundByName(type: string): boolean {
  const { options, fields } = recordContract(type);
  return options.configuration && fields.some(({ name }) => name === 'name');
}

/**
 * The unique values of a type by their column names, such as `email`: the key type, and the JSON names of the field and
 * of the part of its items. External ids end in a dot, followed by their system.
 */
export const keyLabels = onceFor(
  (type: RecordType): ReadonlyMap<string, { key: string; field: string; part: string | undefined; isList: boolean }> =>
    new Map(
      type.namedFields
        .filter(({ field }) => field.index.unique)
        .map(({ name, field, list }) => {
          const hasSystem = list?.parts.some((part) => part.name === 'system') ?? false;
          const isList = (list ?? field).desc.fieldKind === 'list';
          const label = `${itemName(name)}${hasSystem ? '.' : ''}`;
          return [label, { key: keyName(name), field: (list ?? field).name, part: list && field.name, isList }];
        }),
    ),
);

/** An amount; the currency is empty if the cell has none. */
export interface MoneyCell {
  amount: string;
  currencyCode: string;
}

function readMoney(field: RecordField): (cell: unknown, readDay: ReadDay) => MoneyCell | undefined {
  const read = readMessage(field);
  const ofText = (text: string) =>
    moneyOf(text) ?? (amountOnly.test(text) ? { amount: text, currencyCode: '' } : undefined);
  return (cell, readDay) => (read(cell, readDay) ?? textValue(cell, ofText)) as MoneyCell | undefined;
}

const amountOnly = /^[-+]?\d+(\.\d+)?$/;

type Reader = { read: ReadCell; noun: string };

function readerOf(field: RecordField): Reader {
  const { desc, isId } = field;
  if (desc.enum) return enumReader(desc.enum.values);
  if (desc.message && desc.message.typeName !== 'google.protobuf.Timestamp') {
    return { read: readMessage(field), noun: 'an object' };
  }
  if (desc.scalar === ScalarType.BOOL) return { read: (cell) => textValue(cell, booleanOf), noun: 'true or false' };
  if (desc.scalar !== undefined && desc.scalar !== ScalarType.STRING) return numberReader(desc.scalar);
  if (isId) return { read: (cell) => textValue(cell, (text) => text.toLowerCase()), noun: 'a text' };
  if (contract.rules(desc).format === Format.DATE) return { read: textValue, noun: 'a text' };
  const read = contract.rules(desc).pattern === keyForm.source ? keyText : same;
  return { read: (cell) => textValue(cell, read), noun: 'a text' };
}

/** Keys in records, such as those of stages and statuses. */
const keyForm = /^[a-z][a-z0-9_]{0,59}$/;

/** A key from what other systems show for it: `on_hold` for `On hold`. A text that can't be a key stays, to be refused. */
function keyText(text: string): string {
  const key = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_|_$/g, '');
  return keyForm.test(key) ? key : text;
}

function enumReader(values: readonly { localName: string; number: number }[]): Reader {
  const known = values.filter(({ number }) => number !== 0);
  const numbers = new Map(known.map(({ localName, number }) => [simpleName(localName), number]));
  // Other systems call an ordinary priority medium.
  const normal = numbers.get('normal');
  if (normal !== undefined && !numbers.has('medium')) numbers.set('medium', normal);
  return { read: (cell) => textValue(cell, (text) => numbers.get(simpleName(text))), noun: 'one of the known values' };
}

function numberReader(scalar: ScalarType): Reader {
  if (scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT) {
    return { read: (cell) => textValue(cell, numberOf), noun: 'a number' };
  }
  const largest = scalar === ScalarType.INT32 || scalar === ScalarType.UINT32 ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER;
  const integer = (text: string) => {
    const number = numberOf(text);
    return Number.isInteger(number) && Math.abs(number ?? 0) <= largest ? number : undefined;
  };
  return { read: (cell) => textValue(cell, integer), noun: 'a whole number' };
}

function textValue(cell: unknown, read: (text: string) => unknown): unknown {
  const text = cellText(cell);
  return text === null || text === undefined ? undefined : read(text);
}

function same(text: string): string {
  return text;
}

/** A reference in JSON, or as `deal/019ab2f4-…` in a text. */
function readRef(field: RecordField): ReadCell {
  const read = readMessage(field);
  return (cell, readDay) => {
    const { id, type } = (cell ?? {}) as { id?: unknown; type?: unknown };
    const found = typeof id === 'string' && type === undefined ? /^(\w+)\/(.+)$/.exec(id) : undefined;
    return read(found ? { type: found[1], id: found[2] } : cell, readDay);
  };
}

/** A JSON message of the contract. Its texts are used unchanged. */
function readMessage({ parts }: RecordField): ReadCell {
  const readers = parts.map((part) => {
    const isText = part.desc.fieldKind === 'scalar' && part.desc.scalar === ScalarType.STRING;
    const { read } = part.desc.fieldKind === 'list' ? { read: () => undefined } : readerOf(part);
    const absent = part.desc.fieldKind === 'list' ? [] : absentValue(part.desc);
    return { name: part.name, isText, read, absent };
  });
  return (cell, readDay) => {
    if (typeof cell !== 'object' || cell === null || Array.isArray(cell)) return undefined;
    const values = cell as Readonly<Record<string, unknown>>;
    const entries = readers.map(({ name, isText, read, absent }) => {
      const value = values[name];
      return [name, (isText && typeof value === 'string' ? value : read(value, readDay)) ?? absent] as const;
    });
    return Object.fromEntries(entries);
  };
}
