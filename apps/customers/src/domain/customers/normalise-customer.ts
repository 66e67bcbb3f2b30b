import { CustomerKind, type Customer, type PostalAddress } from '@rapport/contracts/rapport/customers/v1/customer';
import { cutText, type FieldViolation } from '@rapport/platform';
import type { CustomFields } from '../../engine/fields/custom-fields.js';
import { dateViolations, oneIdPerSystem, requiredText } from '../../engine/fields/normalise-record.js';
import { domainSpellings, emailIdentity } from '../../engine/values/domain-spellings.js';
import { phoneRegion, readPhone } from '../../engine/values/phone-numbers.js';

/** The normalized form of a customer from a request. */
export interface NormalisedCustomer {
  /** Ready to store when there are no violations. */
  customer: Customer;
  /** Violations. Paths start within the customer, such as `externalIds[1].system`. */
  violations: FieldViolation[];
  /** Indexes in `customer.phones` of invalid numbers, which are stored as typed. */
  invalidPhones: number[];
}

/**
 * Normalizes a customer for storage and checks rules across fields. Pure, except for the time: applying it to its own
 * result changes nothing.
 *
 * @param before the updated customer: its unchanged birth date and custom field values are not checked again
 * @param defaultCountry of local phone numbers when the first address has none
 */
export function normaliseCustomer(
  sent: Customer,
  customFields: CustomFields,
  { before, defaultCountry }: { before?: Customer | undefined; defaultCountry?: string | undefined } = {},
): NormalisedCustomer {
  const custom = customFields.read(sent.customFields, sent.kind, before?.customFields);
  const violations: FieldViolation[] = custom.violations;
  const required = (value: string, path: string) => requiredText(value, path, violations);
  const addresses = sent.addresses
    .map(trimAddress)
    .filter((address) => Object.values(address).some((part) => part !== undefined));
  const region = phoneRegion(addresses, defaultCountry);
  const phones = sent.phones.map(({ number, label }, index) => ({
    ...readPhone(required(number, `phones[${index}].number`), region),
    label: trimmed(label),
  }));
  const customer: Customer = {
    ...sent,
    displayName: trimmed(sent.displayName),
    givenName: trimmed(sent.givenName),
    familyName: trimmed(sent.familyName),
    jobTitle: trimmed(sent.jobTitle),
    companyName: trimmed(sent.companyName),
    source: trimmed(sent.source),
    birthDate: trimmed(sent.birthDate),
    customFields: custom.values,
    emails: uniqueBy(
      sent.emails.map(({ address, label }, index) => ({
        address: lowerDomain(required(address, `emails[${index}].address`)),
        label: trimmed(label),
      })),
      ({ address }) => emailIdentity(address),
    ),
    phones: uniqueBy(phones, ({ number }) => number).map(({ number, label }) => ({ number, label })),
    addresses,
    domains: uniqueBy(
      sent.domains.map((domain, index) => required(domain, `domains[${index}]`).toLowerCase()),
      (domain) => domainSpellings(domain)[0],
    ),
    tags: uniqueBy(
      sent.tags.map((tag, index) => required(tag, `tags[${index}]`)),
      (tag) => tag,
    ),
    externalIds: oneIdPerSystem(sent.externalIds, 'externalIds', violations),
  };
  customer.displayName ??= composeDisplayName(customer);
  violations.push(...kindViolations(customer));
  violations.push(...birthDateViolations(customer, before));
  const invalidPhones = uniqueBy(phones, ({ number }) => number).flatMap(({ valid }, index) => (valid ? [] : [index]));
  return { customer, violations, invalidPhones };
}

/** The default display name of a person. A company requires one. */
export function composeDisplayName({ kind, givenName, familyName, emails, phones }: Customer): string | undefined {
  if (kind !== CustomerKind.PERSON) return undefined;
  const fullName = [givenName, familyName].filter((name) => name !== undefined).join(' ');
  const name = [fullName, emails[0]?.address, phones[0]?.number].find((text) => text);
  return name === undefined ? undefined : cutText(name, displayNameMaxCodePoints);
}

const displayNameMaxCodePoints = 300;

/** Blank means absent. */
function trimmed(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === '' ? undefined : text;
}

function trimAddress(address: PostalAddress): PostalAddress {
  return {
    street: trimmed(address.street),
    city: trimmed(address.city),
    state: trimmed(address.state),
    postalCode: trimmed(address.postalCode),
    countryCode: address.countryCode,
    label: trimmed(address.label),
  };
}

function lowerDomain(address: string): string {
  const at = address.lastIndexOf('@');
  return address.slice(0, at + 1) + address.slice(at + 1).toLowerCase();
}

function uniqueBy<Item>(items: Item[], key: (item: Item) => string): Item[] {
  const seen = new Map<string, Item>();
  for (const item of items) if (!seen.has(key(item))) seen.set(key(item), item);
  return [...seen.values()];
}

function kindViolations(customer: Customer): FieldViolation[] {
  switch (customer.kind) {
    case CustomerKind.PERSON:
      return [
        ...absent(customer.domains.length === 0, 'domains', 'a person'),
        ...named(customer, 'a person needs a name, an e-mail address or a phone number'),
      ];
    case CustomerKind.COMPANY:
      return [
        ...absent(customer.givenName === undefined, 'givenName', 'a company'),
        ...absent(customer.familyName === undefined, 'familyName', 'a company'),
        ...absent(customer.companyId === undefined, 'companyId', 'a company'),
        ...absent(customer.birthDate === undefined, 'birthDate', 'a company'),
        ...named(customer, 'a company needs a name'),
      ];
    // Enums of proto3 are open: a newer caller may send a number that this release does not know.
    default:
      return [{ field: 'kind', reason: 'REQUIRED', description: 'must be PERSON or COMPANY' }];
  }
}

/** The latest zone is a day ahead of UTC. A stored date is kept: earlier releases took any. */
function birthDateViolations({ birthDate }: Customer, before: Customer | undefined): FieldViolation[] {
  if (birthDate === undefined) return [];
  const violations = dateViolations(birthDate, 'birthDate');
  if (violations.length > 0 || birthDate === before?.birthDate) return violations;
  const tomorrow = new Date(Date.now() + dayMs).toISOString().slice(0, 10);
  if (birthDate <= tomorrow) return [];
  return [{ field: 'birthDate', reason: 'IN_FUTURE', description: 'must not be in the future' }];
}

const dayMs = 24 * 3_600_000;

function absent(isAbsent: boolean, field: string, owner: string): FieldViolation[] {
  return isAbsent ? [] : [{ field, reason: 'NOT_ALLOWED', description: `is not a field of ${owner}` }];
}

function named({ displayName }: Customer, description: string): FieldViolation[] {
  return displayName === undefined ? [{ field: 'displayName', reason: 'REQUIRED', description }] : [];
}
