import type { FieldViolation } from '@rapport/platform';
import { customFieldPath } from '../../fields/custom-fields.js';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';
import { maxItems } from '../../write/record-rules.js';

/**
 * Removes the values that violations name from a record. Removes a list item as a whole, but only the invalid part if
 * that is its label or if items of the list have no required part.
 *
 * @returns each violation with the removed value
 */
export function leaveOut<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  violations: readonly Pick<FieldViolation, 'field' | 'reason' | 'description'>[],
): { violation: FieldViolation; value: unknown }[] {
  const indexes = new Map<string, Set<number>>();
  const values = record as unknown as Values;
  const out = violations.map((violation) => ({ violation, value: takeOut(type, values, violation, indexes) }));
  for (const [list, wrong] of indexes) values[list] = listOf(values, list).filter((_, index) => !wrong.has(index));
  return out;
}

type Values = Record<string, unknown>;

function listOf(values: Values, name: string): unknown[] {
  return values[name] as unknown[];
}

/** Collects in `indexes` the items to remove: removing them at once would shift the later ones. */
function takeOut(
  type: RecordType,
  record: Values,
  { field, reason }: FieldViolation,
  indexes: Map<string, Set<number>>,
): unknown {
  if (field.startsWith('customFields.')) return takeCustomValue(record, field);
  const [, name = '', index, part] = /^(\w+)(?:\[(\d+)\])?(?:\.(\w+))?/.exec(field) ?? [];
  const limit = maxItems(type)[name];
  // An invalid part makes the whole message invalid.
  if (limit === undefined) return takeProperty(record, name);
  const list = listOf(record, name);
  if (index === undefined) return list.splice(reason === 'TOO_MANY_ITEMS' ? limit : 0);
  const item = list[Number(index)];
  if (part !== undefined && (part === 'label' || partLists(type).has(name))) return takeProperty(item as Values, part);
  indexes.set(name, (indexes.get(name) ?? new Set()).add(Number(index)));
  return part === undefined ? item : (item as Values)[part];
}

/** JSON names of the lists whose items have no required parts, such as addresses. */
const partLists = onceFor(
  (type: RecordType): ReadonlySet<string> =>
    new Set(
      type.contract.fields
        .filter(({ desc, parts }) => desc.fieldKind === 'list' && parts.length > 0)
        .filter(({ parts }) => !parts.some(({ isRequired }) => isRequired))
        .map(({ name }) => name),
    ),
);

/** The path of a violation truncates a key that is too long. */
function takeCustomValue(record: Pick<RecordMessage, 'customFields'>, path: string): unknown {
  const key = Object.keys(record.customFields ?? {}).find((name) => customFieldPath(name) === path) ?? '';
  const { [key]: value, ...others } = record.customFields ?? {};
  record.customFields = Object.keys(others).length > 0 ? others : undefined;
  return value;
}

function takeProperty(owner: Values, name: string): unknown {
  const value = owner[name];
  owner[name] = undefined;
  return value;
}
