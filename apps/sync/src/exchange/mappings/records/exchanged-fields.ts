import { ScalarType } from '@bufbuild/protobuf';
import { enumNames, type RecordContract, type RecordField } from '@rapport/contracts';

/** Type of a field's values in JSON. OBJECT is a message such as Money, OBJECT_LIST a list of messages such as e-mail addresses. */
export type FieldKind =
  | 'TEXT'
  | 'NUMBER'
  | 'DECIMAL'
  | 'BOOLEAN'
  | 'DATE'
  | 'TIME'
  | 'SELECT'
  | 'REFERENCE'
  | 'OBJECT'
  | 'TEXT_LIST'
  | 'OBJECT_LIST';

/** A field of a record that can be exchanged, as declared in the contract. */
export interface ExchangedField {
  /** JSON name, such as `title`, or `amount.currencyCode` for a part of an object. */
  name: string;
  kind: FieldKind;
  writable: RecordField['writable'];
  isRequired: boolean;
  isPersonal: boolean;
  /** Whether values are unique among live records of a tenant. */
  isUnique: boolean;
  /** Type of the referenced record, such as `rapport/Customer`. */
  reference: string | undefined;
  /** For SELECT: names and numbers of the values. */
  options: ReadonlyMap<string, number>;
  /** For an object: the names of its parts, and whether each is required. */
  parts: ReadonlyMap<string, boolean>;
}

/** Messages whose fields are exchanged by other means: external ids by pairs, custom fields by their keys. */
const otherMessages = /\.(ExternalId|Struct)$/;

/** The kind of a customer is that of the mapping. */
const fixedNames: Readonly<Record<string, readonly string[]>> = { customers: ['kind'] };

/** The fields of a type that can be exchanged, by name, including the parts of its objects. */
export function exchangedFields({ plural, fields }: RecordContract): Map<string, ExchangedField> {
  const found = fields
    .filter(({ name, desc }) => {
      const isOther = otherMessages.test(desc.message?.typeName ?? '');
      return !isOther && !fixedNames[plural]?.includes(name);
    })
    .flatMap((field) => [exchangedField(field), ...partsOf(field)]);
  return new Map(found.map((field) => [field.name, field]));
}

/** The fields with one value for all records of a mapping, with their options. */
export function fixedFields({ plural, fields }: RecordContract): Map<string, ReadonlyMap<string, number>> {
  const fixed = fields.filter(({ name }) => fixedNames[plural]?.includes(name));
  return new Map(fixed.map((field) => [field.name, exchangedField(field).options]));
}

function exchangedField(field: RecordField): ExchangedField {
  const { name, writable, isRequired, reference, index, desc, parts } = field;
  const kind = kindOf(field);
  return {
    ...{ name, kind, writable, isRequired, reference },
    isPersonal: field.isPersonal || parts.some(({ isPersonal }) => isPersonal),
    isUnique: index.unique || (kind === 'OBJECT_LIST' && parts.some((part) => part.index.unique)),
    options: new Map(desc.enum && desc.fieldKind === 'enum' ? optionsOf(desc.enum) : []),
    parts: new Map(kind === 'OBJECT' ? parts.map((part) => [part.name, part.isRequired]) : []),
  };
}

function optionsOf(type: NonNullable<RecordField['desc']['enum']>): [string, number][] {
  return enumNames(type).map((name) => [name, type.values.find(({ localName }) => localName === name)?.number ?? 0]);
}

function partsOf(field: RecordField): ExchangedField[] {
  if (kindOf(field) !== 'OBJECT') return [];
  return field.parts.map((part) => ({
    ...exchangedField(part),
    name: `${field.name}.${part.name}`,
    kind: isAmount(part) ? 'DECIMAL' : kindOf(part),
    writable: field.writable,
    isRequired: false,
    isPersonal: field.isPersonal || part.isPersonal,
  }));
}

function kindOf(field: RecordField): FieldKind {
  const { desc } = field;
  switch (desc.fieldKind) {
    case 'list':
      return desc.message ? 'OBJECT_LIST' : 'TEXT_LIST';
    case 'enum':
      return 'SELECT';
    case 'message':
      return desc.message.typeName === 'google.protobuf.Timestamp' ? 'TIME' : 'OBJECT';
    case 'map':
      return 'OBJECT';
    case 'scalar':
      return kindOfScalar(field);
    default:
      return desc satisfies never;
  }
}

function kindOfScalar({ desc, isDate, isId, reference }: RecordField): FieldKind {
  if (desc.scalar === ScalarType.BOOL) return 'BOOLEAN';
  if (desc.scalar !== ScalarType.STRING) return 'NUMBER';
  if (isDate) return 'DATE';
  return isId || reference !== undefined ? 'REFERENCE' : 'TEXT';
}

/** The number of an amount of money is a text, which keeps it exact. */
function isAmount({ name, desc }: RecordField): boolean {
  return desc.parent.typeName === 'rapport.api.v1.Money' && name === 'amount';
}
