import type { CustomValues } from '../../fields/custom-fields.js';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';
import { maxItems } from '../../write/record-rules.js';

type Lists = Readonly<Record<string, unknown>>;

/** Returns the same object when the row adds nothing. */
export function mergeCustomValues(
  before: CustomValues | undefined,
  row: CustomValues | undefined,
  fillOnly: boolean,
): CustomValues | undefined {
  const merged = fillOnly ? { ...row, ...before } : { ...before, ...row };
  const isChanged = Object.keys(merged).some((key) => JSON.stringify(merged[key]) !== JSON.stringify(before?.[key]));
  return isChanged ? merged : before;
}

/**
 * Truncates united lists to their limits. Items that were there before always stay.
 *
 * @returns the lists that were cut
 */
export function boundLists(type: RecordType, before: object, united: object, fields: readonly string[]): string[] {
  const limits = maxItems(type);
  const lists = united as Record<string, unknown[]>;
  const most = (name: string) => Math.max(limits[name] ?? 0, ((before as Lists)[name] as unknown[]).length);
  const full = fields.filter((name) => (lists[name]?.length ?? 0) > most(name));
  for (const name of full) lists[name] = lists[name]?.slice(0, most(name)) ?? [];
  return full;
}

/** The empty values of a record: false, 0, empty text. */
export function absentValues<Message extends RecordMessage>(type: RecordType<Message>, row: Message): Partial<Message> {
  const values = row as unknown as Lists;
  return Object.fromEntries(emptyValues(type).filter(([name]) => values[name] === undefined)) as Partial<Message>;
}

const emptyValues = onceFor((type: RecordType): readonly (readonly [name: string, value: unknown])[] =>
  Object.entries(type.empty()).filter(([, value]) => value !== undefined && !Array.isArray(value)),
);

/** Equal for values that differ only in the order of their parts or in undefined parts. */
export function contentText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  if (Array.isArray(value)) return `[${value.map(contentText).join(',')}]`;
  const parts = Object.entries(value).filter(([, part]) => part !== undefined);
  return `{${parts
    .map(([name, part]) => `${JSON.stringify(name)}:${contentText(part)}`)
    .sort()
    .join(',')}}`;
}
