import {
  Customer,
  CustomerKind,
  LifecycleStage,
  type PostalAddress,
} from '@rapport/contracts/rapport/customers/v1/customer';
import type { CustomField } from '../src/engine/fields/custom-field.entity.js';
import { jobTitles, locales, rareNames, sources, tagNames, type Locale } from './locales.ts';
import { seedCustomValues, seedDefinitions } from './seed-custom-fields.ts';
import { SeedRandom } from './seed-random.ts';

export interface SeedOptions {
  /** Customers of all tenants, deleted ones included. */
  customers: number;
  /** 1 to 20. */
  tenants: number;
  /** The same seed gives the same rows. */
  seed: number;
}

/** A normalized customer with a history. */
export interface SeedCustomer {
  customer: Customer;
  version: number;
  createTime: Date;
  updateTime: Date;
  deleteTime: Date | null;
}

export interface SeedLink {
  id: string;
  fromCustomerId: string;
  type: string;
  toCustomerId: string;
  role: string | null;
  time: Date;
}

/** A tenant's rows. `rows` can be read once. Companies come before the people that belong to them. */
export interface SeedTenant {
  tenantId: string;
  customers: number;
  definitions: CustomField[];
  rows: Iterable<SeedCustomer & { links: SeedLink[] }>;
}

/** Tenants' shares in thousandths, the largest first. */
const shares = [350, 150, 100, 80, 60, 50, 40, 35, 30, 25, 20, 15, 12, 10, 8, 6, 4, 3, 1.5, 0.5];
const startMs = Date.UTC(2019, 0, 1);
const day = 86_400_000;
const blank = Customer.decode(new Uint8Array());
const stages = [
  LifecycleStage.LEAD,
  LifecycleStage.CUSTOMER,
  LifecycleStage.SUBSCRIBER,
  LifecycleStage.QUALIFIED,
  LifecycleStage.OPPORTUNITY,
  LifecycleStage.FORMER_CUSTOMER,
];

/**
 * Synthetic tenants of uneven size. Rows are generated while they are read, so any number of them needs little memory.
 */
export function seedRows({ customers, tenants, seed }: SeedOptions): SeedTenant[] {
  const kept = shares.slice(0, tenants);
  const sum = kept.reduce((total, share) => total + share, 0);
  return kept.map((share, index) => {
    const random = new SeedRandom(seed * 1_000 + index);
    const tenantId = random.uuid(startMs + index);
    const count = Math.max(1, Math.round((customers * share) / sum));
    return {
      tenantId,
      customers: count,
      definitions: seedDefinitions(tenantId, startMs),
      rows: new TenantRows(random, count).rows(),
    };
  });
}

class TenantRows {
  readonly #companies: { id: string; domain: string; name: string }[] = [];
  /** The most recent people, some of whom are entered twice. */
  readonly #recent: Customer[] = [];
  readonly #owners: string[];
  readonly random: SeedRandom;
  readonly count: number;

  constructor(random: SeedRandom, count: number) {
    this.random = random;
    this.count = count;
    this.#owners = Array.from({ length: 20 }, () => random.uuid(startMs));
  }

  *rows(): Generator<SeedCustomer & { links: SeedLink[] }> {
    for (let index = 0; index < this.count; index += 1) {
      // Six years, with more customers in later ones, and many rows of one import with the same time.
      const age = Math.sqrt(index / this.count);
      const exact = Math.floor(startMs + age * 2_190 * day);
      const createMs = this.random.chance(0.1) ? exact - (exact % day) : exact;
      const locale = this.random.pickSkewed(locales);
      const isCompany = index < 2 || this.random.chance(0.2);
      const customer = isCompany ? this.#company(index, createMs, locale) : this.#person(index, createMs, locale);
      const isDeleted = !isCompany && this.random.chance(0.03);
      const updateMs = this.random.chance(0.5) ? createMs : createMs + this.random.below(300 * day);
      yield {
        customer,
        links: isCompany || isDeleted ? [] : this.#links(customer, createMs),
        version: updateMs === createMs ? 1 : 2,
        createTime: new Date(createMs),
        updateTime: new Date(updateMs),
        deleteTime: isDeleted ? new Date(updateMs) : null,
      };
    }
  }

  #company(index: number, timeMs: number, locale: Locale): Customer {
    const { random } = this;
    const family = this.#familyName(locale);
    const displayName = `${family} ${random.pick(locale.trades)} ${random.pick(locale.legalForms)}`;
    const domain = `${slug(family) || 'firm'}-${index.toString(36)}.example`;
    const customer = { ...this.#common(index, timeMs, locale), kind: CustomerKind.COMPANY, displayName };
    if (random.chance(0.8)) customer.domains = [domain];
    if (random.chance(0.4)) customer.emails = [{ address: `info@${domain}` }];
    this.#companies.push({ id: customer.id, domain, name: displayName });
    return customer;
  }

  #person(index: number, timeMs: number, locale: Locale): Customer {
    const { random } = this;
    const customer: Customer = { ...this.#common(index, timeMs, locale), kind: CustomerKind.PERSON };
    const original = random.chance(0.01) ? this.#recent[random.below(200)] : undefined;
    if (random.chance(0.97)) customer.givenName = original?.givenName ?? random.pickSkewed(locale.given);
    if (random.chance(0.93)) customer.familyName = withTypo(original?.familyName) ?? this.#familyName(locale);
    const employer = this.#employ(customer);
    const mailbox = mailboxOf(customer, index);
    customer.emails = this.#emails(mailbox, employer?.domain);
    if (random.chance(0.3)) customer.birthDate = new Date(random.below(12_000) * day).toISOString().slice(0, 10);
    customer.displayName = [customer.givenName, customer.familyName].filter(Boolean).join(' ') || mailbox;
    this.#recent[index % 200] = customer;
    return customer;
  }

  /** Gives a person an employer, with or without a reference to it. */
  #employ(person: Customer): { domain: string } | undefined {
    const { random } = this;
    const employer = random.chance(0.6) ? random.pickSkewed(this.#companies) : undefined;
    if (!employer) return undefined;
    if (random.chance(0.8)) person.companyId = employer.id;
    person.companyName = employer.name;
    person.jobTitle = random.pickSkewed(jobTitles);
    return employer;
  }

  #emails(mailbox: string, employerDomain: string | undefined): { address: string; label?: string }[] {
    const { random } = this;
    const atWork = employerDomain !== undefined && random.chance(0.7);
    const domain = atWork ? employerDomain : random.pickSkewed(['mail.example', 'post.test']);
    return [
      ...(random.chance(0.85) ? [{ address: `${mailbox}@${domain}`, label: 'work' }] : []),
      ...(random.chance(0.1) ? [{ address: `${mailbox}@home.example` }] : []),
    ];
  }

  #common(index: number, timeMs: number, locale: Locale): Customer {
    const { random } = this;
    const values = seedCustomValues(random, timeMs, this.#companies.at(-1)?.id);
    return {
      ...blank,
      id: random.uuid(timeMs),
      phones: random.chance(0.7) ? [{ number: this.#phone(locale), label: 'mobile' }] : [],
      addresses: random.chance(0.6) ? [this.#address(locale)] : [],
      tags: random.chance(0.5) ? [...new Set([random.pickSkewed(tagNames), random.pickSkewed(tagNames)])] : [],
      lifecycleStage: random.chance(0.7) ? random.pickSkewed(stages) : LifecycleStage.UNSPECIFIED,
      ownerId: random.chance(0.5) ? random.pickSkewed(this.#owners) : undefined,
      source: random.chance(0.6) ? random.pickSkewed(sources) : undefined,
      externalIds: random.chance(0.3) ? [{ system: random.pickSkewed(['erp', 'hubspot']), value: String(index) }] : [],
      customFields: Object.keys(values).length > 0 ? values : undefined,
    };
  }

  /** A second employer, occasionally. */
  #links({ id, companyId }: Customer, timeMs: number): SeedLink[] {
    const { random } = this;
    const company = random.chance(0.1) ? random.pick(this.#companies) : undefined;
    if (!company || company.id === companyId) return [];
    const type = random.pickSkewed(['employee_of', 'partner_of']);
    const role = random.chance(0.5) ? random.pick(jobTitles) : null;
    return [
      { id: random.uuid(timeMs), fromCustomerId: id, type, toCustomerId: company.id, role, time: new Date(timeMs) },
    ];
  }

  #familyName(locale: Locale): string {
    const { random } = this;
    if (random.chance(0.6)) return random.pickSkewed(locale.family);
    return random.pick(rareNames.beginnings) + random.pick(rareNames.middles) + random.pick(rareNames.ends);
  }

  #phone({ phone: [prefix, length] }: Locale): string {
    const first = 2 + this.random.below(8);
    return prefix + first + String(this.random.below(10 ** (length - 1))).padStart(length - 1, '0');
  }

  #address(locale: Locale): PostalAddress {
    const { random } = this;
    const [city, state, postalCode] = random.pickSkewed(locale.places);
    return {
      street: `${random.pick(locale.streets)} ${1 + random.below(200)}`,
      city,
      state,
      postalCode: postalCode.replace(/#/g, () => String(random.below(10))),
      countryCode: locale.countryCode,
    };
  }
}

function mailboxOf({ givenName = '', familyName = '' }: Customer, index: number): string {
  return `${[slug(givenName), slug(familyName)].filter(Boolean).join('.') || 'contact'}${index}`;
}

/** A misspelled name: two letters in the middle are transposed. */
function withTypo(name: string | undefined): string | undefined {
  if (name === undefined || name.length < 5) return name;
  const middle = name.length >> 1;
  return `${name.slice(0, middle)}${name.charAt(middle + 1)}${name.charAt(middle)}${name.slice(middle + 2)}`;
}

function slug(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z]/g, '');
}
