import { ScalarType, type DescField } from '@bufbuild/protobuf';
import type { RecordField } from '../records/record-contract.js';
import type { CustomFieldType } from '../values/custom-field-value.js';

/** The type of a value in expressions. A value of the type `dyn` is any JSON, and is not checked. */
export type CelType = string | ObjectType;

/** A type with named fields. */
export interface ObjectType {
  /** Unique among the types of an expression. */
  name: string;
  /** True for a list of such objects. */
  isList?: boolean;
  fields: Readonly<Record<string, CelType>>;
}

/** The live definition of a custom field. */
export interface ExpressionField {
  key: string;
  type: CustomFieldType;
}

export const timestampType = 'google.protobuf.Timestamp';

const money: ObjectType = { name: 'rapport.api.v1.Money', fields: { currencyCode: 'string', amount: 'string' } };

/**
 * The type of a record: its fields in JSON.
 *
 * @param definitions of the tenant's custom fields. Without them, custom fields have the type `dyn`
 */
export function recordType(
  { message, fields }: { message: { typeName: string }; fields: readonly RecordField[] },
  definitions?: readonly ExpressionField[],
): ObjectType {
  const type = objectType(message.typeName, fields);
  if (!fields.some(({ name }) => name === 'customFields')) return type;
  return {
    ...type,
    fields: { ...type.fields, customFields: definitions ? customFields(type.name, definitions) : 'dyn' },
  };
}

function customFields(typeName: string, definitions: readonly ExpressionField[]): ObjectType {
  const fields = Object.fromEntries(definitions.map(({ key, type }) => [key, customType(type)]));
  return { name: `${typeName}.CustomFields`, fields };
}

function objectType(name: string, fields: readonly RecordField[]): ObjectType {
  const typed = fields.flatMap((field) => {
    const type = typeOf(field);
    return type === undefined ? [] : [[field.name, type] as const];
  });
  return { name, fields: Object.fromEntries(typed) };
}

/** Undefined for a field that expressions do not have. */
function typeOf({ desc, parts }: RecordField): CelType | undefined {
  const isList = desc.fieldKind === 'list';
  const type = itemType(desc, parts);
  if (type === undefined || !isList) return type;
  return typeof type === 'string' ? `list<${type}>` : { ...type, isList };
}

function itemType({ message, enum: names, scalar }: DescField, parts: readonly RecordField[]): CelType | undefined {
  if (message?.typeName === timestampType) return timestampType;
  if (message) return parts.length > 0 ? objectType(message.typeName, parts) : undefined;
  if (names) return 'string';
  switch (scalar) {
    case ScalarType.STRING:
      return 'string';
    case ScalarType.BOOL:
      return 'bool';
    case ScalarType.DOUBLE:
      return 'double';
    case ScalarType.INT32:
    case ScalarType.UINT32:
      return 'int';
    default:
      return undefined;
  }
}

function customType(type: CustomFieldType): CelType {
  switch (type) {
    case 'NUMBER':
      return 'double';
    case 'BOOLEAN':
      return 'bool';
    case 'MULTI_SELECT':
      return 'list<string>';
    case 'MONEY':
      return money;
    default:
      return 'string';
  }
}
