import { readMask, type Updatable } from '@rapport/contracts';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { onceFor } from '../values/once-for.js';

/** Mutable and immutable fields of an update, by JSON name. */
const updatable = onceFor(({ singular, contract }: RecordType): Updatable<string> => {
  const { fields } = contract;
  const others = fields.filter(({ writable }) => writable !== 'ALWAYS');
  return {
    name: singular,
    noun: `${/^[aeiou]/.test(singular) ? 'an' : 'a'} ${singular}`,
    fields: fields.filter(({ writable }) => writable === 'ALWAYS').map(({ name }) => name),
    fixed: Object.fromEntries(
      others.map(({ name, writable }) => [name, writable === 'ONCE' ? 'IMMUTABLE' : 'OUTPUT_ONLY']),
    ),
  };
});

/** The fields of a record that an update changes, as `readMask` returns them. */
export function readUpdateMask(type: RecordType, paths: string[] | undefined): string[] {
  return readMask(paths, updatable(type));
}

/** The fields with a value in a record. */
export function presentFields<Message extends RecordMessage>(type: RecordType<Message>, record: Message): string[] {
  return updatable(type).fields.filter((field) => hasValue((record as unknown as Record<string, unknown>)[field]));
}

/** Whether a field of a message has a value. One that is not optional always has one: its default value is none. */
export function hasValue(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}
