import { JsonCodec } from '@rapport/contracts';
import { invalidArgument } from '@rapport/platform';
import { shownToCaller } from '../fields/hidden-data.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { camelCase } from '../values/camel-case.js';
import { onceFor } from '../values/once-for.js';

const codecs = onceFor(({ message }: RecordType) => JsonCodec.of(message, new Map()));

/** A record as the method `get` answers the caller in JSON. A member that is undefined is left out when it is written. */
export function recordValue<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
): Record<string, unknown> {
  return codecs(type).toJson({ ...shownToCaller<object>(type.message, record) });
}

/**
 * A record as JSON in one line, as the method `get` answers it.
 *
 * @param fields JSON names of those to have; all when empty
 */
export function recordJson<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  fields: readonly string[],
): string {
  const json = recordValue(type, record);
  return JSON.stringify(fields.length === 0 ? json : Object.fromEntries(fields.map((field) => [field, json[field]])));
}

/**
 * The JSON names of fields of a record.
 *
 * @throws AppError INVALID_ARGUMENT that names each which is none
 */
export function readColumns({ contract, singular }: RecordType, columns: readonly string[]): string[] {
  const fields = new Set(contract.fields.map(({ name }) => name));
  const names = columns.map(camelCase);
  const violations = names.flatMap((name, index) =>
    fields.has(name)
      ? []
      : [{ field: `columns[${index}]`, reason: 'UNKNOWN_FIELD', description: `is no field of a ${singular}` }],
  );
  if (violations.length > 0) throw invalidArgument(violations);
  return [...new Set(names)];
}
