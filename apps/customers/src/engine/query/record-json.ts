import { JsonCodec, camelCase } from '@rapport/contracts';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import { shownToCaller } from '../fields/hidden-data.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { onceFor } from '../values/once-for.js';

const codecs = onceFor(({ message }: RecordType) => JsonCodec.of(message, new Map()));

/** A record in JSON as the method `get` returns it to the caller. Undefined members are omitted in the text. */
export function recordValue<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
): Record<string, unknown> {
  return codecs(type).toJson({ ...shownToCaller<object>(type.message, record) });
}

/**
 * A record as one line of JSON, as the method `get` returns it.
 *
 * @param fields JSON names of the fields to include; all when empty
 */
export function recordJson<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  fields: readonly string[],
): string {
  const json = recordValue(type, record);
  return JSON.stringify(fields.length === 0 ? json : Object.fromEntries(fields.map((field) => [field, json[field]])));
}

function whyUnknown(name: string, { singular }: RecordType): string {
  return name.includes(',') ? 'must name one field; repeat it for each field' : `is not a field of a ${singular}`;
}

/**
 * The JSON names of fields of a record.
 *
 * @throws AppError INVALID_ARGUMENT that names each unknown one
 */
export function readColumns(type: RecordType, columns: readonly string[]): string[] {
  const fields = new Set(type.contract.fields.map(({ name }) => name));
  const names = columns.map(camelCase);
  const violations: FieldViolation[] = names.flatMap((name, index) =>
    fields.has(name)
      ? []
      : [{ field: `columns[${index}]`, reason: 'UNKNOWN_FIELD', description: whyUnknown(name, type) }],
  );
  if (violations.length > 0) throw invalidArgument(violations);
  return [...new Set(names)];
}
