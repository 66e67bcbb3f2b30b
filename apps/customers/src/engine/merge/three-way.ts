import { itemKeys, listFields } from '../records/customers/customer-lists.js';
import { sameValue } from '../values/same-value.js';
import { singleFields, uniqueItemText, type Content } from './merged-content.js';

/** The result of reverting a change. */
export interface Reverted {
  content: Content;
  /** Fields that were not reverted, because they were changed again after the change. */
  keptFields: string[];
}

/**
 * Reverts a change by a three-way merge: values that are still as the change left them become what they were before, and values that
 * were changed since stay. Lists are compared item by item, custom fields key by key. Pure.
 *
 * @param before the content before the change
 * @param after the content after it
 * @param now the current content
 * @param gone unique values, in the form of `valueText`, that are removed even if they were changed since
 */
export function revert(before: Content, after: Content, now: Content, gone: ReadonlySet<string> = new Set()): Reverted {
  const content: Content = { ...now };
  const keptFields: string[] = [];
  const single = <Value>(field: string, was: Value, became: Value, is: Value): Value => {
    if (sameValue(is, became)) return was;
    if (!sameValue(was, became) && !sameValue(is, was)) keptFields.push(field);
    return is;
  };
  for (const field of singleFields) content[field] = single(field, before[field], after[field], now[field]);
  Object.assign(content, single('lifecycleStage', stageOf(before), stageOf(after), stageOf(now)));
  for (const field of listFields) {
    const key = itemKeys[field] as (item: unknown) => string;
    const leaves = (item: unknown) => gone.has(uniqueItemText(field, item as never) ?? '');
    const { items, kept } = takeItemsBack(before[field], after[field], now[field], key, leaves);
    Object.assign(content, { [field]: items });
    if (kept) keptFields.push(field);
  }
  const custom: Record<string, unknown> = {};
  const keys = [before, after, now].flatMap(({ customFields }) => Object.keys(customFields ?? {}));
  for (const key of new Set(keys)) {
    const [was, became, is] = [before, after, now].map(({ customFields }) => ownValue(customFields, key));
    const value = single(`customFields.${key}`, was, became, is);
    if (value !== undefined) custom[key] = value;
  }
  content.customFields = Object.keys(custom).length > 0 ? custom : undefined;
  return { content, keptFields };
}

/** A key can have the name of an inherited property, such as `constructor`. */
function ownValue(values: Content['customFields'], key: string): unknown {
  return values && Object.hasOwn(values, key) ? values[key] : undefined;
}

/** A stage and the time when it was reached are reverted together. */
function stageOf({ lifecycleStage, lifecycleStageTime }: Content) {
  return { lifecycleStage, lifecycleStageTime };
}

function takeItemsBack(
  before: unknown[],
  after: unknown[],
  now: unknown[],
  key: (item: unknown) => string,
  leaves: (item: unknown) => boolean,
) {
  const stays = (item: unknown) => !leaves(item);
  if (sameValue(now, after)) return { items: before.filter(stays), kept: false };
  const byKey = (items: unknown[]) => new Map(items.map((item) => [key(item), item]));
  const [was, became, is] = [byKey(before), byKey(after), byKey(now)];
  let kept = false;
  const items = now.flatMap((item) => {
    const [old, brought] = [was.get(key(item)), became.get(key(item))];
    if (leaves(item) || (brought !== undefined && sameValue(item, brought))) return old === undefined ? [] : [old];
    if (brought !== undefined && !sameValue(old, brought) && !sameValue(item, old)) kept = true;
    return [item];
  });
  const lost = before.filter((item) => !became.has(key(item)) && !is.has(key(item)));
  return { items: [...items, ...lost].filter(stays), kept };
}
