import {
  LifecycleStage,
  type Customer,
  type EmailAddress,
  type ExternalId,
  type PhoneNumber,
  type PostalAddress,
} from '@rapport/contracts/rapport/customers/v1/customer';
import type { FieldViolation } from '@rapport/platform';
import { emailKey } from '../customer-keys.js';
import { lifecycleViolation } from '../lifecycle-stage.js';
import { composeDisplayName, phonesAt } from '../normalise-customer.js';
import { maxItems, type ListName } from './customer-rules.js';

export interface Merge {
  customer: Customer;
  /** Whether it differs from the customer before. */
  changed: boolean;
  /** Lists that have no room for all that the row adds to them. */
  full: ListName[];
  /** Why the row's lifecycle stage was left out. */
  stage: FieldViolation | undefined;
}

export interface MergeOptions {
  /** Values of the row only fill what is missing. Otherwise they replace. */
  fillOnly: boolean;
  /** The display name stays whatever the row says. */
  keepName: boolean;
  /** The row's display name is its own, not composed of its other values. */
  givesDisplayName: boolean;
}

/**
 * What a stored customer becomes by a normalised row. Lists are united. Merging the same row again changes nothing.
 */
export function mergeCustomer(before: Customer, row: Customer, options: MergeOptions): Merge {
  const { fillOnly } = options;
  const full: ListName[] = [];
  const value = <Value>(stored: Value | undefined, given: Value | undefined) =>
    fillOnly ? (stored ?? given) : (given ?? stored);
  const list = <Item>(name: ListName, stored: Item[], given: Item[], unite: Unite<Item>): Item[] => {
    const united = given.reduce(unite, stored);
    if (united.length <= maxItems[name]) return united;
    full.push(name);
    return united.slice(0, Math.max(maxItems[name], stored.length));
  };
  const stage = fillOnly ? undefined : lifecycleViolation(before.lifecycleStage, row.lifecycleStage);
  const addresses = list('addresses', before.addresses, row.addresses, uniteAddress);
  const customer: Customer = {
    ...before,
    givenName: value(before.givenName, row.givenName),
    familyName: value(before.familyName, row.familyName),
    jobTitle: value(before.jobTitle, row.jobTitle),
    companyName: value(before.companyName, row.companyName),
    companyId: value(before.companyId, row.companyId),
    lifecycleStage: stage
      ? before.lifecycleStage
      : (value(known(before.lifecycleStage), known(row.lifecycleStage)) ?? LifecycleStage.UNSPECIFIED),
    ownerId: value(before.ownerId, row.ownerId),
    ownerTeamId: value(before.ownerTeamId, row.ownerTeamId),
    source: value(before.source, row.source),
    birthDate: value(before.birthDate, row.birthDate),
    customFields: mergeCustomValues(before.customFields, row.customFields, fillOnly),
    emails: list('emails', before.emails, row.emails, uniteEmail),
    // A local number is one of the country that the customer has, whether the row names it or not.
    phones: list('phones', phonesAt(addresses, before.phones), phonesAt(addresses, row.phones), unitePhone),
    addresses,
    domains: list('domains', before.domains, row.domains, uniteText),
    tags: list('tags', before.tags, row.tags, uniteText),
    externalIds: list('externalIds', before.externalIds, row.externalIds, uniteExternalId),
  };
  customer.displayName = displayName(before, customer, row, options);
  return { customer, changed: isChanged(before, customer), full, stage };
}

/**
 * A name that was composed, not given, follows what it is composed of. One that is only an e-mail address or a phone
 * number counts as missing.
 */
function displayName(
  before: Customer,
  merged: Customer,
  row: Customer,
  { fillOnly, keepName, givesDisplayName }: MergeOptions,
): string | undefined {
  if (keepName) return before.displayName;
  // Whether a name was given can't be told from what is stored. One that will look composed after this merge is taken
  // for composed already, or the next import of the row would treat it otherwise.
  const isComposed = [before, merged].some((customer) => before.displayName === composeDisplayName(customer));
  const isMissing = isComposed && before.givenName === undefined && before.familyName === undefined;
  if (givesDisplayName && (isMissing || !fillOnly)) return row.displayName;
  return isComposed ? composeDisplayName(merged) : before.displayName;
}

/** Answers the same values when the row adds nothing to them. */
function mergeCustomValues(
  before: Customer['customFields'],
  row: Customer['customFields'],
  fillOnly: boolean,
): Customer['customFields'] {
  const merged = fillOnly ? { ...row, ...before } : { ...before, ...row };
  const isChanged = Object.keys(merged).some((key) => JSON.stringify(merged[key]) !== JSON.stringify(before?.[key]));
  return isChanged ? merged : before;
}

function known(stage: LifecycleStage): LifecycleStage | undefined {
  return stage === LifecycleStage.UNSPECIFIED ? undefined : stage;
}

/** Adds an item to a list; answers the same list when it adds nothing. */
type Unite<Item> = (items: Item[], added: Item) => Item[];

const uniteEmail: Unite<EmailAddress> = (items, added) =>
  uniteLabelled(items, added, ({ address }) => emailKey(address) === emailKey(added.address));

const unitePhone: Unite<PhoneNumber> = (items, added) =>
  uniteLabelled(items, added, ({ number }) => number === added.number);

const uniteText: Unite<string> = (items, added) => (items.includes(added) ? items : [...items, added]);

/** A customer has one id per system; that a row has another one is settled before. */
const uniteExternalId: Unite<ExternalId> = (items, added) =>
  items.some(({ system }) => system === added.system) ? items : [...items, added];

function uniteLabelled<Item extends { label?: string | undefined }>(
  items: Item[],
  added: Item,
  isSame: (item: Item) => boolean,
): Item[] {
  const index = items.findIndex(isSame);
  const same = items[index];
  if (!same) return [...items, added];
  return same.label === undefined && added.label !== undefined
    ? items.with(index, { ...same, label: added.label })
    : items;
}

/** An address that another one contains adds nothing, and one that contains another takes its place. */
const uniteAddress: Unite<PostalAddress> = (items, added) => {
  if (items.some((item) => contains(item, added))) return items;
  const index = items.findIndex((item) => contains(added, item));
  return index < 0 ? [...items, added] : items.with(index, added);
};

function contains(whole: PostalAddress, part: PostalAddress): boolean {
  return (Object.keys(part) as (keyof PostalAddress)[]).every(
    (name) => part[name] === undefined || part[name] === whole[name],
  );
}

/** Lists keep their identity when nothing is added to them. */
function isChanged(before: Customer, after: Customer): boolean {
  return (Object.keys(after) as (keyof Customer)[]).some((name) => before[name] !== after[name]);
}
