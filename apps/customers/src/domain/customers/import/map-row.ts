import { camelCase } from '@rapport/contracts';
import {
  CustomerKind,
  Customer,
  LifecycleStage,
  type PostalAddress,
} from '@rapport/contracts/rapport/customers/v1/customer';
import type { CustomFields } from '../../../engine/fields/custom-fields.js';
import type { MappedRow, NamedReference } from '../../../engine/import/import-rules.js';
import { itemSeparators } from '../../../engine/values/cell-items.js';
import { keyOf } from '../../../engine/import/derived/derived-row.js';
import { cellId, cellItems, cellText, property } from '../../../engine/import/rows/cell-value.js';
import { putCustomCell } from '../../../engine/import/rows/custom-cell.js';
import { isoDay, type ReadDay } from '../../../engine/import/rows/read-day.js';
import type { RowDefaults } from '../../../engine/import/rows/row-defaults.js';
import { cellLeftOut, error, quote, type RowIssue } from '../../../engine/import/rows/row-issue.js';
import { customers } from '../customers.js';
import { hostOf, isSharedHost } from './host-name.js';
import { countryCode } from './country-code.js';
import type { CustomerImportField, CustomerTarget } from './import-fields.js';

/** Moves the cells of a row to their target fields. */
export function mapRow(
  cells: Iterable<[target: CustomerTarget, value: unknown]>,
  defaults: RowDefaults,
  customFields: CustomFields,
): MappedRow<Customer> {
  const mapping = new RowMapping(defaults, customFields);
  for (const [target, value] of cells) mapping.put(target, value);
  return mapping.finish();
}

class RowMapping {
  readonly #customer = Customer.create({});
  readonly #issues: RowIssue[] = [];
  readonly #named: NamedReference[] = [];
  /** Parts of addresses from separate columns, by label. */
  readonly #addresses = new Map<string, PostalAddress>();
  readonly #readDay: ReadDay;

  constructor(
    private readonly defaults: RowDefaults,
    private readonly customFields: CustomFields,
  ) {
    this.#customer.kind = defaults.kind;
    this.#readDay = defaults.readDay ?? isoDay;
  }

  put({ field, label }: CustomerTarget, value: unknown): void {
    if (isTextField(field)) return this.#putText(field, value);
    if (isAddressField(field)) return this.#putAddressPart(field, value, label);
    const { emails, phones, tags, externalIds } = this.#customer;
    switch (field) {
      case 'id':
        return this.#putId(value);
      case 'kind':
        return this.#putKind(value);
      case 'lifecycle_stage':
        return this.#putStage(value);
      case 'email':
        return this.#each(field, value, itemSeparators.email, 'address', (address, item) => {
          emails.push({ address, label: property(item, 'label') ?? label });
        });
      case 'phone':
        return this.#each(field, value, itemSeparators.phone, 'number', (number, item) => {
          phones.push({ number, label: property(item, 'label') ?? label });
        });
      case 'domain':
        return this.#each(field, value, itemSeparators.domain, 'domain', (text) => this.#putDomain(text));
      case 'tag':
        return this.#each(field, value, itemSeparators.tag, 'tag', (tag) => tags.push(tag));
      case 'external_id':
        return this.#each(field, value, undefined, 'value', (id, item) => {
          const system = property(item, 'system') ?? label ?? this.defaults.externalIdSystem;
          externalIds.push({ system, value: id });
        });
      case 'owner':
      case 'company':
        return this.#putNamed({ field, label }, value);
      case 'custom_fields':
        return this.#putCustom(label, value);
      case 'address':
        return cellItems(value).forEach((item) => this.#putAddress(item, label));
      default:
        field satisfies never;
    }
  }

  finish(): MappedRow<Customer> {
    const customer = this.#customer;
    customer.addresses.push(...this.#addresses.values());
    // An existing customer's name may be absent or hidden.
    if (customer.kind === CustomerKind.COMPANY && customer.displayName === undefined && customer.id === '') {
      // A list of companies may name them in the column in which a list of people names the employer.
      customer.displayName = customer.companyName;
      customer.companyName = undefined;
    }
    return { record: customer, issues: this.#issues, named: this.#named };
  }

  #putText(field: TextField, value: unknown): void {
    const text = this.#text(field, value);
    if (text === undefined) return;
    const name = textProperties[field];
    const form = name === 'birthDate' ? this.#readDay : textForms[name];
    this.#customer[name] ??= form?.(text) ?? text;
  }

  #putCustom(key: string | undefined, cell: unknown): void {
    const read = { customFields: this.customFields, readDay: this.#readDay };
    this.#issues.push(...putCustomCell(this.#customer, key, cell, read));
  }

  /** A file of another system may contain that system's ids in this column. */
  #putId(value: unknown): void {
    this.#customer.id = cellId(value) ?? this.#customer.id;
  }

  #putKind(value: unknown): void {
    const text = this.#text('kind', value);
    if (text === undefined) return;
    const kind = kinds.get(text.toLowerCase());
    if (kind !== undefined) this.#customer.kind = kind;
    else this.#issues.push(error('VALUE_UNKNOWN', `${quote(text)} is not a kind of customer.`, { field: 'kind' }));
  }

  #putStage(value: unknown): void {
    const text = this.#text('lifecycle_stage', value);
    if (text === undefined) return;
    const stage = stages.get(text.toLowerCase().replace(/[^a-z]/g, ''));
    if (stage !== undefined) this.#customer.lifecycleStage = stage;
    else this.#leaveOut('lifecycle_stage', text, 'VALUE_UNKNOWN', 'is not a lifecycle stage');
  }

  #putNamed({ field, label = '' }: { field: 'owner' | 'company'; label?: string | undefined }, value: unknown): void {
    const text = this.#text(field, value);
    if (text === undefined) return;
    if (field === 'owner') this.#named.push({ by: 'USER', field: 'ownerId', text });
    else {
      const key = keyOf(customers, label, text);
      this.#named.push({ by: 'KEY', field: 'companyId', target: customers, value: key, text });
    }
  }

  #putDomain(text: string): void {
    const host = hostOf(text);
    if (isSharedHost(text, host))
      this.#leaveOut('domain', text, 'DOMAIN_SHARED', 'is a page on a site that many share');
    else this.#customer.domains.push(host);
  }

  #putAddress(value: unknown, label: string | undefined): void {
    if (typeof value !== 'object' || value === null) return this.#putAddressPart('street', value, label);
    const address: PostalAddress = {
      street: this.#text('address', property(value, 'street')),
      city: this.#text('address', property(value, 'city')),
      state: this.#text('address', property(value, 'state')),
      postalCode: this.#text('address', property(value, 'postalCode')),
      countryCode: this.#text('address', property(value, 'countryCode'))?.toUpperCase(),
      label: this.#text('address', property(value, 'label')) ?? label,
    };
    if (Object.values(address).some((part) => part !== undefined)) this.#customer.addresses.push(address);
  }

  #putAddressPart(field: AddressField, value: unknown, label: string | undefined): void {
    const text = this.#text(field, value);
    if (text === undefined) return;
    const address = this.#addresses.get(label ?? '') ?? emptyAddress(label);
    this.#addresses.set(label ?? '', address);
    if (field === 'street') {
      // Files have a column for each line of an address.
      address.street = address.street === undefined ? text : `${address.street}\n${text}`;
    } else if (field === 'country' || field === 'country_code') {
      address.countryCode ??= countryCode(text, this.defaults);
      if (address.countryCode === undefined) this.#leaveOut(field, text, 'COUNTRY_UNKNOWN', 'is not a known country');
    } else {
      address[field === 'postal_code' ? 'postalCode' : field] ??= text;
    }
  }

  /** Adds each text of a cell that may contain several; of an object, the text under `key`. */
  #each(
    field: string,
    value: unknown,
    separator: RegExp | undefined,
    key: string,
    put: (text: string, item: unknown) => void,
  ): void {
    for (const item of cellItems(value, separator)) {
      const isObject = typeof item === 'object' && item !== null && Object.hasOwn(item, key);
      const text = this.#text(field, isObject ? property(item, key) : item);
      if (text !== undefined) put(text, item);
    }
  }

  #text(field: string, value: unknown): string | undefined {
    const text = cellText(value);
    if (text !== null) return text;
    this.#leaveOut(field, value, 'VALUE_INVALID', 'is not a text');
    return undefined;
  }

  #leaveOut(field: string, value: unknown, reason: string, why: string): void {
    this.#issues.push(cellLeftOut(camelCase(field), value, reason, why));
  }
}

function emptyAddress(label: string | undefined): PostalAddress {
  return {
    street: undefined,
    city: undefined,
    state: undefined,
    postalCode: undefined,
    countryCode: undefined,
    label,
  };
}

const textProperties = {
  display_name: 'displayName',
  given_name: 'givenName',
  family_name: 'familyName',
  job_title: 'jobTitle',
  company_name: 'companyName',
  source: 'source',
  owner_id: 'ownerId',
  owner_team_id: 'ownerTeamId',
  company_id: 'companyId',
  birth_date: 'birthDate',
} as const satisfies Partial<Record<CustomerImportField, keyof Customer>>;

/** Fields of one text each. */
type TextField = keyof typeof textProperties;

function isTextField(field: CustomerImportField): field is TextField {
  return Object.hasOwn(textProperties, field);
}

const addressFields = ['street', 'city', 'state', 'postal_code', 'country_code', 'country'] as const;

type AddressField = (typeof addressFields)[number];

function isAddressField(field: CustomerImportField): field is AddressField {
  return addressFields.some((each) => each === field);
}

/** Spellings in files of values that have one form in the contract. */
const textForms: Partial<Record<keyof Customer, (text: string) => string>> = {
  ownerId: (id) => id.toLowerCase(),
  ownerTeamId: (id) => id.toLowerCase(),
  companyId: (id) => id.toLowerCase(),
};

const kinds = new Map(
  Object.entries({
    person: CustomerKind.PERSON,
    contact: CustomerKind.PERSON,
    individual: CustomerKind.PERSON,
    company: CustomerKind.COMPANY,
    account: CustomerKind.COMPANY,
    organization: CustomerKind.COMPANY,
    organisation: CustomerKind.COMPANY,
  }),
);

const stages = new Map(
  Object.entries({
    subscriber: LifecycleStage.SUBSCRIBER,
    lead: LifecycleStage.LEAD,
    qualified: LifecycleStage.QUALIFIED,
    marketingqualifiedlead: LifecycleStage.QUALIFIED,
    salesqualifiedlead: LifecycleStage.QUALIFIED,
    opportunity: LifecycleStage.OPPORTUNITY,
    customer: LifecycleStage.CUSTOMER,
    formercustomer: LifecycleStage.FORMER_CUSTOMER,
  }),
);
