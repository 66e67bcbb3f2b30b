import type { Customer, PostalAddress } from '@rapport/contracts/rapport/customers/v1/customer';
import { phonesAt } from '../../values/phone-numbers.js';
import { domainSpellings, emailIdentity } from '../../values/domain-spellings.js';

/** The lists of a customer. Their items have an identity. */
export const listFields = [
  'emails',
  'phones',
  'addresses',
  'domains',
  'tags',
  'externalIds',
] as const satisfies (keyof Customer)[];

export type ListField = (typeof listFields)[number];

/** The identity of an item. */
export const itemKeys: { readonly [Field in ListField]: (item: Customer[Field][number]) => string } = {
  emails: ({ address }) => emailIdentity(address),
  phones: ({ number }) => number,
  addresses: ({ street, city, state, postalCode, countryCode, label }) =>
    JSON.stringify([street, city, state, postalCode, countryCode, label].map((part) => part ?? null)),
  domains: (domain) => domainSpellings(domain)[0],
  tags: (tag) => tag,
  externalIds: ({ system }) => system,
};

/**
 * The union of a customer's lists and those of a normalized one. Nothing is lost: an existing item stays unchanged, but
 * gets the given label when it has none, and an address is replaced by one that contains it. An unchanged list is the
 * same object.
 */
export function uniteLists(
  stored: Pick<Customer, ListField>,
  given: Pick<Customer, ListField>,
): Pick<Customer, ListField> {
  const addresses = given.addresses.reduce(uniteAddress, stored.addresses);
  return {
    addresses,
    // A local number belongs to the country of the stored customer, whether the given one names the country or not.
    phones: uniteLabelled(phonesAt(addresses, stored.phones), phonesAt(addresses, given.phones), itemKeys.phones),
    emails: uniteLabelled(stored.emails, given.emails, itemKeys.emails),
    domains: given.domains.reduce((items, added) => unite(items, added, itemKeys.domains), stored.domains),
    tags: given.tags.reduce((items, added) => unite(items, added, itemKeys.tags), stored.tags),
    // Conflicting ids of one system have been handled before.
    externalIds: given.externalIds.reduce(
      (items, added) => unite(items, added, itemKeys.externalIds),
      stored.externalIds,
    ),
  };
}

/**
 * Replaces the lists of a customer by those of a normalized one. An absent or empty list has no effect; an unchanged
 * one is the same object. Items in both keep their label when none is given.
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

/** Equal for items that differ only in absent properties. */
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

/** An address contained in another one adds nothing, and one that contains another replaces it. */
function uniteAddress(items: PostalAddress[], added: PostalAddress): PostalAddress[] {
  if (!lacksAddress(items, [added])) return items;
  const index = items.findIndex((item) => contains(added, item));
  return index < 0 ? [...items, added] : items.with(index, added);
}

/** Whether one of the given addresses is contained in none of the items. */
export function lacksAddress(items: PostalAddress[], given: PostalAddress[]): boolean {
  return given.some((added) => !items.some((item) => contains(item, added)));
}

function contains(whole: PostalAddress, part: PostalAddress): boolean {
  return (Object.keys(part) as (keyof PostalAddress)[]).every(
    (name) => part[name] === undefined || part[name] === whole[name],
  );
}
