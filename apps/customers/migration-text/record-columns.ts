import { ScalarType, type DescField } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { allFields, enumNames, type Contract, type RecordContract, type RecordField } from '@rapport/contracts';
import { FieldOrder, Format } from '@rapport/contracts/rapport/api/v1/options';

/** A column of a record type's table. */
export interface RecordColumn {
  name: string;
  /** SQL type, with its collation. */
  type: string;
  notNull: boolean;
  /** SQL of a literal. */
  defaultValue?: string;
  /** Allowed values of a text column; any when absent. */
  names?: readonly string[];
  /** Whether PostgreSQL collects statistics: not for columns that queries only return, or whose plans are fixed. */
  planned: boolean;
}

/** How lists are ordered by a field. */
export interface RecordOrder {
  field: string;
  column: string;
  /** Whether live records can be listed in this order. */
  ofLive: boolean;
  /** Whether deleted records can. */
  ofDeleted: boolean;
}

/** Columns with a value in every record. */
const alwaysSet = new Set(['id', 'create_time', 'update_time', 'created_by', 'updated_by']);

/** The columns of a record type: those of its fields, and those derived from them for search, filters and order. */
export function recordColumns(contract: Contract, record: RecordContract): RecordColumn[] {
  return [
    { name: 'tenant_id', type: 'uuid', notNull: true, planned: true },
    ...record.fields.flatMap((field) => [columnOf(contract, field), ...orderColumnOf(contract, field)]),
    ...derivedColumns(record),
  ];
}

/** The orders of a type's lists. */
export function recordOrders(contract: Contract, { fields }: RecordContract): RecordOrder[] {
  return fields
    .filter(({ index }) => index.order !== FieldOrder.UNSPECIFIED)
    .map((field) => ({
      field: field.column,
      column: orderColumnOf(contract, field)[0]?.name ?? field.column,
      ofLive: field.index.order !== FieldOrder.DELETED,
      ofDeleted: field.index.order !== FieldOrder.LIVE,
    }));
}

/** Types of unique values, such as `EXTERNAL_ID`. */
export function uniqueTypes({ fields }: RecordContract): string[] {
  return fields.flatMap((field) => [
    ...(field.index.unique ? [uniqueType(field.column)] : []),
    ...field.parts
      .filter(({ index }) => index.unique)
      .map((part) => uniqueType((part.isRequired ? field : part).column)),
  ]);
}

/** @param name of a field, in the plural for a list */
function uniqueType(name: string): string {
  return name.replace(/s$/, '').toUpperCase();
}

function columnOf(contract: Contract, field: RecordField): RecordColumn {
  const { column: name, desc, index } = field;
  if (name === 'etag') return { name: 'version', type: 'int', notNull: true, planned: true };
  const type = typeOf(contract, field);
  return {
    name,
    type,
    notNull: isAlwaysSet(field),
    ...(isStruct(desc) && { defaultValue: `'{}'` }),
    ...(desc.enum && desc.fieldKind !== 'list' && { names: enumNames(desc.enum) }),
    planned: !['jsonb', 'text[]'].includes(type) && !(type === 'text' && !desc.enum && !index.group),
  };
}

function typeOf(contract: Contract, { column, desc, isId, reference, parts }: RecordField): string {
  if (isStruct(desc) || parts.length > 0) return 'jsonb';
  if (desc.fieldKind === 'list' && desc.scalar === ScalarType.STRING) return 'text[]';
  if (desc.fieldKind === 'enum') return 'text';
  if (desc.fieldKind === 'message' && desc.message.typeName === 'google.protobuf.Timestamp') return 'timestamptz(3)';
  const type = desc.fieldKind === 'scalar' ? scalarTypes.get(desc.scalar) : undefined;
  if (type === undefined)
    throw new Error(`${desc.parent.typeName}.${column}: there is no column for fields of its type.`);
  if (isId || reference !== undefined || column === 'id') return 'uuid';
  return isOrderedDay(contract, desc) ? `${type} collate "C"` : type;
}

const scalarTypes = new Map<ScalarType, string>([
  [ScalarType.STRING, 'text'],
  [ScalarType.BOOL, 'boolean'],
  [ScalarType.INT32, 'int'],
  [ScalarType.SINT32, 'int'],
  [ScalarType.UINT32, 'bigint'],
  [ScalarType.INT64, 'bigint'],
  [ScalarType.SINT64, 'bigint'],
  [ScalarType.DOUBLE, 'double precision'],
  [ScalarType.FLOAT, 'real'],
]);

/** Whether each row has a value: an empty one for a list, and the default for a field without presence. */
function isAlwaysSet({ column, desc, isRequired, isId, reference }: RecordField): boolean {
  if (isRequired || alwaysSet.has(column) || desc.fieldKind === 'list' || isStruct(desc)) return true;
  return (
    !desc.message &&
    !desc.enum &&
    !isId &&
    reference === undefined &&
    desc.presence !== FeatureSet_FieldPresence.EXPLICIT
  );
}

/** The column that orders a text or an amount of money. Other values order by their own column. */
function orderColumnOf(contract: Contract, field: RecordField): RecordColumn[] {
  const { column, desc, index, isId } = field;
  if (index.order === FieldOrder.UNSPECIFIED || desc.fieldKind === 'list') return [];
  const sorted = { type: 'text collate "C"', notNull: isAlwaysSet(field), planned: true };
  if (isMoney(field)) return [{ ...sorted, name: `${column}_order` }];
  if (desc.scalar !== ScalarType.STRING || isId || isOrderedDay(contract, desc)) return [];
  return [{ ...sorted, name: `sort_${column}` }];
}

function derivedColumns(record: RecordContract): RecordColumn[] {
  const all = allFields(record.fields);
  const has = (columns: RecordColumn[], isNeeded: boolean) => (isNeeded ? columns : []);
  return [
    ...has(
      [{ name: 'search_text', type: 'text', notNull: true, planned: true }],
      all.some(({ index }) => index.search),
    ),
    ...has(
      [{ name: 'terms', type: 'text[]', notNull: true, defaultValue: `'{}'`, planned: false }],
      isFoundByTerms(record),
    ),
    ...has(
      [{ name: 'order_values', type: 'jsonb', notNull: true, defaultValue: `'{}'`, planned: false }],
      record.options.customFields,
    ),
    { name: 'index_version', type: 'int', notNull: true, defaultValue: '0', planned: true },
    ...has(
      [{ name: 'sealed', type: 'boolean', notNull: true, defaultValue: 'false', planned: true }],
      all.some(({ isPersonal }) => isPersonal),
    ),
  ];
}

/** Whether filters use the column `terms`, which also holds the values of custom fields. */
function isFoundByTerms({ fields, options }: RecordContract): boolean {
  return options.customFields || allFields(fields).some(({ index }) => index.term !== '');
}

function isMoney({ parts }: RecordField): boolean {
  return ['currency_code', 'amount'].every((name) => parts.some(({ column }) => column === name));
}

/** Whether it is a date, `YYYY-MM-DD`, which sorts by its bytes. */
function isOrderedDay(contract: Contract, desc: DescField): boolean {
  const isOrdered = contract.index(desc).order !== FieldOrder.UNSPECIFIED;
  return isOrdered && contract.rules(desc).format === Format.DATE;
}

function isStruct({ message }: DescField): boolean {
  return message?.typeName === 'google.protobuf.Struct';
}
