import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { absentValue } from '@rapport/contracts';
import { formatEtag } from '@rapport/persistence';

/** Values of a row by column, as the log stores them: `row_to_json`. */
export type StoredValues = Record<string, unknown>;

type Message = Record<string, unknown>;

/**
 * Converts the values of a row to a message. A column has the name of its field; an enum is stored by its name, a
 * message in ts-proto's form, the etag as the column `version`. Absent values become unset fields.
 */
export function messageReader(desc: DescMessage): (values: StoredValues) => Message {
  const fields = desc.fields.map((field) => ({
    name: field.jsonName,
    column: field.name === 'etag' ? 'version' : field.name,
    absent: () => (field.fieldKind === 'list' ? [] : absentValue(field)),
    read: reading(field),
  }));
  return (values) => {
    const message: Message = {};
    for (const { name, column, absent, read } of fields) {
      const value = values[column];
      message[name] = value === null || value === undefined ? absent() : read(value);
    }
    return message;
  };
}

/** The conversion of a stored value to the value of its field. */
function reading(field: DescField): (value: unknown) => unknown {
  if (field.name === 'etag') return (version) => formatEtag(version as number);
  if (field.fieldKind === 'list') return (value) => value;
  if (field.enum) {
    const numbers = new Map(field.enum.values.map(({ localName, number }) => [localName, number]));
    return (name) => numbers.get(name as string) ?? 0;
  }
  switch (field.message?.typeName) {
    case 'google.protobuf.Timestamp':
      return (time) => new Date(time as string).toISOString();
    // An empty object is stored for an absent message.
    case 'google.protobuf.Struct':
      return (value) => (Object.keys(value as object).length > 0 ? value : undefined);
    default:
      return (value) => value;
  }
}
