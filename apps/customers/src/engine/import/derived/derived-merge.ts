import type { RecordField } from '@rapport/contracts';
import type { FieldViolation } from '@rapport/platform';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';
import type { MergeOptions, RowMerge } from '../import-rules.js';
import { boundLists, contentText, mergeCustomValues } from '../records/merge-values.js';

type Values = Record<string, unknown>;

/** The result of merging a normalized row, whose absent values are undefined, into a stored record. */
export function mergeDerived(
  type: RecordType,
  before: RecordMessage,
  row: RecordMessage,
  { fillOnly, replacesLists }: MergeOptions,
): RowMerge {
  const { single, lists } = mergedFields(type);
  const stored: Values = { ...before };
  const given: Values = { ...row };
  const merged: Values = { ...stored };
  const refused: RowMerge['refused'] = [];
  for (const { name, empty, isOnce } of single) {
    const value = given[name];
    const has = stored[name] !== undefined && stored[name] !== empty;
    if (value === undefined || (fillOnly && has) || isSame(stored[name], value)) continue;
    if (isOnce && has) refused.push({ violation: immutable(name), value });
    else merged[name] = value;
  }
  merged['customFields'] = mergeCustomValues(before.customFields, row.customFields, fillOnly);
  const united = replacesLists ? replaced(lists, stored, given) : unite(type, before, row);
  const full = replacesLists
    ? []
    : boundLists(
        type,
        before,
        united,
        lists.map(({ name }) => name),
      );
  Object.assign(merged, united);
  const changed = Object.keys(merged).some((name) => merged[name] !== stored[name]);
  return { record: merged as unknown as RecordMessage, changed, full, refused };
}

function immutable(field: string): FieldViolation {
  return { field, reason: 'IMMUTABLE', description: 'can not be changed' };
}

interface ListField {
  name: string;
  /** Equal for two items with the same identity. */
  keyOf: (item: unknown) => string;
}

const mergedFields = onceFor((type: RecordType) => {
  const written = type.contract.fields.filter(({ writable, name }) => writable !== 'NEVER' && name !== 'customFields');
  const empty = type.empty() as unknown as Values;
  return {
    single: written
      .filter(({ desc }) => desc.fieldKind !== 'list')
      .map(({ name, writable }) => ({ name, empty: empty[name], isOnce: writable === 'ONCE' })),
    lists: written
      .filter(({ desc }) => desc.fieldKind === 'list')
      .map((field) => ({ name: field.name, keyOf: keyOf(field) })),
  };
});

function keyOf({ parts }: RecordField): ListField['keyOf'] {
  const part = parts.find(({ name }) => name === 'system') ?? parts.find(({ isRequired }) => isRequired);
  if (!part) return contentText;
  return (item) => contentText((item as Values)[part.name]);
}

/** The union of the lists and the row's items: by the rules of the type, or else by the keys of the items. */
function unite(type: RecordType, before: RecordMessage, row: RecordMessage): Values {
  const { lists } = mergedFields(type);
  const stored: Values = { ...before };
  const given: Values = { ...row };
  const united: Values = { ...type.definition.lists.unite(before, row) };
  for (const { name, keyOf } of lists) {
    if (Object.hasOwn(united, name)) continue;
    const items = stored[name] as unknown[];
    const known = new Set(items.map(keyOf));
    const added = (given[name] as unknown[]).filter((item) => !known.has(keyOf(item)));
    united[name] = added.length === 0 ? items : [...items, ...added];
  }
  return united;
}

/** Lists of the row replace the stored ones. An unchanged list is the same object. */
function replaced(lists: readonly ListField[], stored: Values, given: Values): Values {
  return Object.fromEntries(
    lists.map(({ name }) => {
      const items = given[name] as unknown[];
      return [name, items.length === 0 || isSame(stored[name], items) ? stored[name] : items];
    }),
  );
}

function isSame(one: unknown, other: unknown): boolean {
  return (
    one === other || (typeof one === 'object' && typeof other === 'object' && contentText(one) === contentText(other))
  );
}
