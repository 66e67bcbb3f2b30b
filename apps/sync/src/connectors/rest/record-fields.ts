import type { RecordField } from '../description.js';
import type { ApiDocument, FlatSchema } from './api-document.js';

/** Maximum depth of objects whose values are fields of their own. Deeper ones are JSON fields. */
const maxLevels = 4;
const maxFields = 1_000;

/** A value of a record. Its name is its path, such as `address.city`. */
export type ApiField = RecordField & {
  /** JSON type of the values of a DECIMAL. */
  isNumber: boolean;
};

/** The fields of records of a schema, writable unless the schema says otherwise. */
export function recordFields(document: ApiDocument, node: unknown): ApiField[] {
  const fields: ApiField[] = [];
  const collect = (schemaNode: unknown, prefix: string, within: object[]): void => {
    for (const [name, property] of document.schema(schemaNode).properties) {
      const schema = document.schema(property);
      const path = prefix + name;
      const target = document.target(property);
      if (hasFields(schema) && within.length < maxLevels && !within.includes(target)) {
        collect(property, `${path}.`, [...within, target]);
      } else if (fields.length === maxFields) {
        throw document.fault(`describes records of more than ${maxFields} fields`);
      } else fields.push(field(document, path, schema));
    }
  };
  collect(node, '', [document.target(node)]);
  return fields;
}

/** Whether its values are objects with known properties. */
function hasFields({ types, properties, forms }: FlatSchema): boolean {
  return (
    forms.length === 0 && properties.size > 0 && (types.length === 0 || (types.length === 1 && types[0] === 'object'))
  );
}

function field(document: ApiDocument, name: string, schema: FlatSchema): ApiField {
  const { types, format, isReadOnly } = schema;
  const declaredType = [types.join(' or ') || 'any', format && `(${format})`].filter(Boolean).join(' ');
  const isNumber = types.includes('number') || types.includes('integer');
  return { name, declaredType, isNumber, writable: !isReadOnly, required: false, ...fieldType(document, schema) };
}

type FieldType = Pick<RecordField, 'type' | 'fractionDigits' | 'isFormatted' | 'declaredType'>;

function fieldType(document: ApiDocument, schema: FlatSchema): FieldType {
  const [type, ...others] = schema.types;
  if (schema.forms.length > 0 || others.length > 0) return { type: 'JSON' };
  switch (type) {
    case 'string':
      return textType(schema);
    case 'integer':
      return schema.format === 'int32' ? { type: 'NUMBER' } : { type: 'DECIMAL', fractionDigits: 0 };
    case 'number':
      return numberType(schema);
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'array':
      return { type: isTextList(document, schema) ? 'LIST' : 'JSON' };
    default:
      return { type: 'JSON' };
  }
}

function textType({ format, isEnum }: FlatSchema): FieldType {
  switch (format) {
    case 'date':
      return { type: 'DATE' };
    case 'date-time':
    case 'timestamp':
      return { type: 'TIME' };
    case 'decimal':
      return { type: 'DECIMAL' };
    case 'uuid':
      return { type: 'TEXT', isFormatted: true, declaredType: 'uuid' };
    case 'binary':
    case 'byte':
      return { type: 'UNSUPPORTED' };
    default:
      return { type: 'TEXT', ...(isEnum && { isFormatted: true }) };
  }
}

/** `double` and `float` map to NUMBER, which is a binary fraction. All other numbers map to DECIMAL, which keeps their digits. */
function numberType({ format, multipleOf }: FlatSchema): FieldType {
  if (format === 'double' || format === 'float') return { type: 'NUMBER' };
  const [, fraction] = /^0?\.(0*1)$/.exec(multipleOf === undefined ? '' : String(multipleOf)) ?? [];
  return { type: 'DECIMAL', ...(fraction !== undefined && { fractionDigits: fraction.length }) };
}

function isTextList(document: ApiDocument, { items }: FlatSchema): boolean {
  const { types, forms } = document.schema(items);
  return forms.length === 0 && types.length === 1 && types[0] === 'string';
}
