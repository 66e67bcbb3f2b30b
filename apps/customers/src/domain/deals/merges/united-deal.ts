import { AmountMode, type Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import type { LineItem } from '@rapport/contracts/rapport/sales/v1/line_item';
import type { CustomFields } from '../../../engine/fields/custom-fields.js';
import { onceFor } from '../../../engine/values/once-for.js';
import { sameValue } from '../../../engine/values/same-value.js';
import { deals } from '../deals.js';

/** What a merge has added to the surviving deal. Its values are those of the merged deal, which stays as it was. */
export interface AddedContent {
  /** Fields that the surviving deal lacked, such as `closeDate`. */
  fields: string[];
  /** Keys of custom fields. */
  customFields: string[];
  tags: string[];
  /** Systems of external ids. */
  systems: string[];
  /** The mode of the surviving deal before it took over the amount; absent if it did not. */
  amountMode?: AmountMode | undefined;
  /** The currency of its lines before it took over another one; null for none, absent if it did not. */
  lineCurrency?: string | null;
}

/** Fields that a merge leaves alone, or unites by rules of their own. */
const apart: ReadonlySet<string> = new Set([
  ...['title', 'pipelineId', 'stage', 'lostReason', 'customFields', 'tags', 'externalIds'],
  ...['amount', 'amountMode', 'lineItems', 'lineCurrency'],
]);

const singleFields = onceFor((type: typeof deals): readonly (keyof Deal)[] =>
  type.contract.fields
    .filter(({ name, writable }) => writable === 'ALWAYS' && !apart.has(name))
    .map(({ name }) => name as keyof Deal),
);

/**
 * The surviving deal with what it lacks of the merged one. Pure.
 *
 * @param lines of the merged deal, as the surviving one takes them over
 */
export function unite(
  survivor: Deal,
  merged: Deal,
  { lines, customFields }: { lines: readonly LineItem[]; customFields: CustomFields },
): { deal: Deal; added: AddedContent } {
  const lacks = (given: Deal, name: keyof Deal) => sameValue(given[name], deals.empty()[name]);
  const fields = singleFields(deals).filter((name) => lacks(survivor, name) && !lacks(merged, name));
  const keys = customFields.live
    .map(({ key }) => key)
    .filter((key) => valueOf(survivor, key) === undefined && valueOf(merged, key) !== undefined);
  const systems = new Set(survivor.externalIds.map(({ system }) => system));
  const externalIds = merged.externalIds.filter(({ system }) => !systems.has(system));
  const tags = merged.tags.filter((tag) => !survivor.tags.includes(tag));
  const takesAmount = survivor.amount === undefined && merged.amount !== undefined;
  const takesCurrency = survivor.lineItems.length === 0 && lines.length > 0;
  const deal: Deal = {
    ...survivor,
    ...pick(merged, fields),
    ...(takesAmount && amountOf(merged)),
    ...(keys.length > 0 && { customFields: { ...survivor.customFields, ...pick(merged.customFields ?? {}, keys) } }),
    tags: [...survivor.tags, ...tags],
    externalIds: [...survivor.externalIds, ...externalIds],
    lineItems: [...survivor.lineItems, ...lines],
    lineCurrency: takesCurrency ? merged.lineCurrency : survivor.lineCurrency,
  };
  return {
    deal,
    added: {
      fields,
      customFields: keys,
      tags,
      systems: externalIds.map(({ system }) => system),
      ...(takesAmount && { amountMode: survivor.amountMode }),
      ...(takesCurrency && { lineCurrency: survivor.lineCurrency ?? null }),
    },
  };
}

/** The surviving deal without what a merge has added, unless that was changed since. Pure. */
export function takeBack(survivor: Deal, merged: Deal, added: AddedContent): { deal: Deal; keptFields: string[] } {
  const keptFields: string[] = [];
  const deal: Deal = { ...survivor };
  for (const name of added.fields as (keyof Deal)[]) {
    if (sameValue(plain(survivor, name), plain(merged, name))) Object.assign(deal, { [name]: deals.empty()[name] });
    else keptFields.push(name);
  }
  if (added.customFields.length > 0) {
    const same = added.customFields.filter((key) => sameValue(valueOf(survivor, key), valueOf(merged, key)));
    deal.customFields = { ...survivor.customFields, ...Object.fromEntries(same.map((key) => [key, null])) };
    keptFields.push(...added.customFields.filter((key) => !same.includes(key)).map((key) => `customFields.${key}`));
  }
  const isMerged = ({ system, value }: Deal['externalIds'][number]) =>
    added.systems.includes(system) && merged.externalIds.some((id) => id.system === system && id.value === value);
  deal.externalIds = survivor.externalIds.filter((id) => !isMerged(id));
  deal.tags = survivor.tags.filter((tag) => !added.tags.includes(tag));
  const { lines, isComplete } = linesWithout(survivor.lineItems, merged.lineItems);
  deal.lineItems = lines;
  if (!isComplete) keptFields.push('lineItems');
  if (lines.length === 0 && added.lineCurrency !== undefined) deal.lineCurrency = added.lineCurrency ?? undefined;
  if (added.amountMode !== undefined) {
    const isTaken = sameValue(amountOf(survivor), amountOf(merged));
    if (isTaken) Object.assign(deal, { amountMode: added.amountMode, amount: undefined });
    else keptFields.push('amount');
  }
  return { deal, keptFields };
}

/** With the mode LINES, the amount follows from the lines. */
function amountOf({ amount, amountMode }: Deal): Pick<Deal, 'amount' | 'amountMode'> {
  return { amountMode, amount: amountMode === AmountMode.LINES ? undefined : amount };
}

/** Lines without those that a merge has added behind them, compared by what callers set. */
function linesWithout(lines: readonly LineItem[], merged: readonly LineItem[]) {
  const left = [...lines];
  const found = merged.toReversed().filter((line) => {
    const place = left.findLastIndex((each) => sameValue(contentOf(each), contentOf(line)));
    if (place >= 0) left.splice(place, 1);
    return place >= 0;
  });
  return { lines: left, isComplete: found.length === merged.length };
}

/** The product of a line is left out: a line loses a deleted product when a merge takes it over. */
function contentOf({ description, quantity, unitPrice, discount, tax }: LineItem) {
  return { description, quantity, unitPrice, discount, tax };
}

/** Amounts of splits follow from the deal. */
function plain(deal: Deal, name: keyof Deal): unknown {
  return name === 'splits' ? deal.splits.map((split) => ({ ...split, amount: undefined })) : deal[name];
}

/** A key can have the name of an inherited property, such as `constructor`. */
function valueOf({ customFields }: Deal, key: string): unknown {
  return customFields && Object.hasOwn(customFields, key) ? customFields[key] : undefined;
}

function pick<Values extends object>(values: Values, names: readonly string[]): Partial<Values> {
  return Object.fromEntries(names.map((name) => [name, values[name as keyof Values]])) as Partial<Values>;
}
