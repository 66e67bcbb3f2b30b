import type { Customer, PostalAddress } from '@rapport/contracts/rapport/customers/v1/customer';
import { phonesAt } from '../../values/phone-numbers.js';
import { emailKey } from '../unique-values.js';

/** The lists of a customer. Their items have an identity: two of the same are one. */
export const listFields = [
  'emails',
  'phones',
  'addresses',
  'domains',
  'tags',
  'externalIds',
] as const satisfies (keyof Customer)[];

export type ListField = (typeof listFields)[number];

/** By what two items of a list are the same. */
export const itemKeys: { readonly [Field in ListField]: (item: Customer[Field][number]) => string } = {
  emails: ({ address }) => emailKey(address),
  phones: ({ number }) => number,
  addresses: ({ street, city, state, postalCode, countryCode, label }) =>
    JSON.stringify([street, city, state, postalCode, countryCode, label].map((part) => part ?? null)),
  domains: (domain) => domain,
  tags: (tag) => tag,
  externalIds: ({ system }) => system,
};

/**
 * The lists of a customer with what a normalised one adds to them. Nothing is lost: an item that is there already stays as it
 * is, but gets the label that is given when it has none, and an address gives way to one that contains it. A list that
 * nothing is added to is the same list.
 */
export function uniteLists(
  stored: Pick<Customer, ListField>,
  given: Pick<Customer, ListField>,
): Pick<Customer, ListField> {
  const addresses = given.addresses.reduce(uniteAddress, stored.addresses);
  return {
    addresses,
    // A local number is one of the country that the customer has, whether what is given names it or not.
    phones: uniteLabelled(phonesAt(addresses, stored.phones), phonesAt(addresses, given.phones), itemKeys.phones),
    emails: uniteLabelled(stored.emails, given.emails, itemKeys.emails),
    domains: given.domains.reduce((items, added) => unite(items, added, itemKeys.domains), stored.domains),
    tags: given.tags.reduce((items, added) => unite(items, added, itemKeys.tags), stored.tags),
    // That what is given has another id of a system is settled before.
    externalIds: given.externalIds.reduce(
      (items, added) => unite(items, added, itemKeys.externalIds),
      stored.externalIds,
    ),
  };
}

/**
 * The lists of a customer with those of a normalised one in their place. A list that is not given, or is empty, stays; one that
 * would not change is the same list. What is in both keeps its label when none is given.
 */
export function replaceLists(
  stored: Pick<Customer, ListField>,
  given: Pick<Customer, ListField>,
): Pick<Customer, ListField> {
  const addresses = replace(stored.addresses, given.addresses);
  return {
    addresses,
    phones: replaceLabelled(phonesAt(addresses, stored.phones), phonesAt(addresses, given.phones), itemKeys.phones),
    emails: replaceLabelled(stored.emails, given.emails, itemKeys.emails),
    domains: replace(stored.domains, given.domains),
    tags: replace(stored.tags, given.tags),
    externalIds: replace(stored.externalIds, given.externalIds),
  };
}

function replace<Item extends object | string>(before: Item[], after: Item[]): Item[] {
  const isSame =
    before.length === after.length && before.every((item, index) => textOf(item) === textOf(after[index]!));
  return after.length === 0 || isSame ? before : after;
}

function replaceLabelled<Item extends { label?: string | undefined }>(
  before: Item[],
  after: Item[],
  key: (item: Item) => string,
): Item[] {
  const labels = new Map(before.map((item) => [key(item), item.label]));
  return replace(
    before,
    after.map((item) => ({ ...item, label: item.label ?? labels.get(key(item)) })),
  );
}

/** The same for items that differ only in absent properties. */
function textOf(item: object | string): string {
  return JSON.stringify(
    typeof item === 'string'
      ? item
      : Object.entries(item)
          .filter(([, part]) => part !== undefined)
          .sort(),
  );
}

function unite<Item>(items: Item[], added: Item, key: (item: Item) => string): Item[] {
  return items.some((item) => key(item) === key(added)) ? items : [...items, added];
}

function uniteLabelled<Item extends { label?: string | undefined }>(
  stored: Item[],
  given: Item[],
  key: (item: Item) => string,
): Item[] {
  return given.reduce((items, added) => {
    const index = items.findIndex((item) => key(item) === key(added));
    const same = items[index];
    if (!same) return [...items, added];
    const isNewLabel = same.label === undefined && added.label !== undefined;
    return isNewLabel ? items.with(index, { ...same, label: added.label }) : items;
  }, stored);
}

/** An address that another one contains adds nothing, and one that contains another takes its place. */
function uniteAddress(items: PostalAddress[], added: PostalAddress): PostalAddress[] {
  if (items.some((item) => contains(item, added))) return items;
  const index = items.findIndex((item) => contains(added, item));
  return index < 0 ? [...items, added] : items.with(index, added);
}

function contains(whole: PostalAddress, part: PostalAddress): boolean {
  return (Object.keys(part) as (keyof PostalAddress)[]).every(
    (name) => part[name] === undefined || part[name] === whole[name],
  );
}
