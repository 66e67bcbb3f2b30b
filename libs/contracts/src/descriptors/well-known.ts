import type { DescField, DescMessage } from '@bufbuild/protobuf';

/** Messages with a special form in ts-proto and REST. */

/** RFC 3339 text. */
export function isTimestamp(message: DescMessage | undefined): boolean {
  return message?.typeName === 'google.protobuf.Timestamp';
}

/** An object of any shape. */
export function isStruct(message: DescMessage | undefined): boolean {
  return message?.typeName === 'google.protobuf.Struct';
}

/** Raw bytes with their content type. */
export function isHttpBody(message: DescMessage | undefined): boolean {
  return message?.typeName === 'google.api.HttpBody';
}

/** Nothing. */
export function isEmpty(message: DescMessage): boolean {
  return message.typeName === 'google.protobuf.Empty';
}

/** Every header of a REST call. */
export function isHttpHeaders({ fieldKind, message }: DescField): boolean {
  return fieldKind === 'list' && message?.typeName === 'rapport.api.v1.HttpHeader';
}

/** The names of the fields that an update changes (AIP-134). */
export function isUpdateMask(field: DescField): boolean {
  return isFieldMask(field.message) && !isReadMask(field);
}

/** The names of the requested fields of an answer (AIP-157). */
export function isReadMask(field: DescField): boolean {
  return isFieldMask(field.message) && field.name === 'read_mask';
}

export function isFieldMask(message: DescMessage | undefined): boolean {
  return message?.typeName === 'google.protobuf.FieldMask';
}
