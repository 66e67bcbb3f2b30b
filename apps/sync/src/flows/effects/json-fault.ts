import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import type { Json } from './effect-port.js';

const wellKnown: Readonly<Record<string, (value: Json) => boolean>> = {
  'google.protobuf.Struct': isObject,
  'google.protobuf.Timestamp': (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  'google.protobuf.FieldMask': (value) => typeof value === 'string',
};

const numbers: readonly ScalarType[] = [
  ...[ScalarType.INT32, ScalarType.UINT32, ScalarType.SINT32, ScalarType.FIXED32, ScalarType.SFIXED32],
  ...[ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64, ScalarType.FIXED64, ScalarType.SFIXED64],
];

/**
 * The first value that has no place in a message, as the path of its field and the reason. Expressions compute values of any type, and
 * the codec expects checked ones.
 */
export function jsonFault(message: DescMessage, json: Json, path = ''): string | undefined {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  if (!isObject(json)) return `${path} is no object`;
  for (const [name, value] of Object.entries(json)) {
    const field = message.fields.find(({ jsonName }) => jsonName === name);
    if (!field) return `${at(name)} is no field`;
    const fault = value === null ? undefined : fieldFault(field, value, at(name));
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function fieldFault(field: DescField, value: Json, path: string): string | undefined {
  if (field.fieldKind !== 'list') return valueFault(field, value, path);
  if (!Array.isArray(value)) return `${path} is no list`;
  for (const [index, item] of (value as readonly Json[]).entries()) {
    const fault = valueFault(field, item, `${path}[${index}]`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function valueFault(field: DescField, value: Json, path: string): string | undefined {
  if (field.message) {
    const fits = wellKnown[field.message.typeName];
    if (!fits) return jsonFault(field.message, value, path);
    return fits(value) ? undefined : `${path} has another type`;
  }
  if (field.enum) {
    return field.enum.values.some(({ localName }) => localName === value) ? undefined : `${path} has no such value`;
  }
  return scalarFits(field.scalar, value) ? undefined : `${path} has another type`;
}

function scalarFits(scalar: ScalarType | undefined, value: Json): boolean {
  if (scalar === ScalarType.STRING) return typeof value === 'string';
  if (scalar === ScalarType.BOOL) return typeof value === 'boolean';
  if (typeof value !== 'number') return false;
  return !numbers.includes(scalar as ScalarType) || Number.isSafeInteger(value);
}

function isObject(value: Json): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
