import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { absentValue } from '@rapport/contracts';
import { formatEtag } from '@rapport/persistence';

/** Values of a row by their columns, as the log keeps them: `row_to_json`. */
export type StoredValues = Record<string, unknown>;

type Message = Record<string, unknown>;

/**
 * How a message is made of the values of its row. A column has the name of its field; an enum is stored by its name, a message as
 * ts-proto has it, the etag as the column `version`. Values that are not given are those that are not set.
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

/** What makes the value of a field of one that is stored. */
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
    // An object without members is stored where there is none.
    case 'google.protobuf.Struct':
      return (value) => (Object.keys(value as object).length > 0 ? value : undefined);
    default:
      return (value) => value;
  }
}
