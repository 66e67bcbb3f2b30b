import type { JsonValue } from '../../connectors/peer-record.js';
import type { Base } from '../links/link.js';
import type { FieldFault } from '../mappings/mapping-views.js';
import { itemKey } from '../pairs/merge-fields.js';
import { refusal, type RefusedField } from './refused-fields.js';

/** Lists that a side took without some of their items, by the field of the customer. */
export type LeftOut = Map<string, { taken: JsonValue; items: string[] }>;

type Fingerprint = (value: JsonValue) => string;

/**
 * Removes values from views that a side has refused: unsuitable items of a list, otherwise the whole field.
 *
 * @returns the removed values; undefined when the views had none of them
 */
export function leaveOut(
  views: Map<string, JsonValue>,
  refused: readonly RefusedField[],
  leftOut: LeftOut,
  fingerprint: Fingerprint,
): RefusedField[] {
  const found = refused.filter(({ field }) => views.has(field));
  for (const field of new Set(found.map((own) => own.field))) {
    const places = found.filter((own) => own.field === field).map(({ index }) => index);
    const list = views.get(field) ?? null;
    const items = Array.isArray(list) ? list : [];
    if (places.some((place) => place === undefined || items[place] === undefined)) {
      views.delete(field);
      leftOut.delete(field);
      continue;
    }
    const taken = items.filter((_, place) => !places.includes(place));
    const unfit = items.filter((_, place) => places.includes(place)).map((item) => fingerprint(itemKey(item)));
    views.set(field, taken.length === 0 ? null : taken);
    leftOut.set(field, { taken: views.get(field) ?? null, items: [...(leftOut.get(field)?.items ?? []), ...unfit] });
  }
  return found;
}

/** The views of both sides after one has taken lists without some items. @param side the one that refused them */
export function baseWithout(base: Base, leftOut: LeftOut, side: 'customer' | 'peer', fingerprint: Fingerprint): Base {
  const changed = [...leftOut].flatMap(([field, { taken, items: unfit }]) => {
    const before = base[field];
    if (!before) return [];
    const left = [...new Set([...(before.left ?? []), ...unfit])];
    const items = before.items?.filter((item) => !unfit.includes(item));
    return [[field, { ...before, [side]: fingerprint(taken), left, ...(items && { items }) }]];
  });
  return { ...base, ...(Object.fromEntries(changed) as Base) };
}

/** Values that no customer can have; undefined when there are none. */
export function refusedAsUnknown(faults: readonly FieldFault[]): RefusedField[] | undefined {
  const refused = faults.map(({ rule, fault: { index, description } }) =>
    refusal(rule, `The value ${description}`, index),
  );
  return refused.length > 0 ? refused : undefined;
}
