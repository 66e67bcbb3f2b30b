import {
  CustomerKind,
  LifecycleStage,
  type Customer,
  type PostalAddress,
} from '@rapport/contracts/rapport/customers/v1/customer';
import type { CustomFields } from '../fields/custom-fields.js';
import { itemSeparators, joinItems } from '../values/cell-items.js';

/** A column of an exported file: its name, which an import maps by itself, and what it has of a customer. */
export interface CsvColumn {
  name: string;
  /** JSON name of the field of the customer that it is of. */
  field: keyof Customer;
  text(customer: Customer): string | undefined;
}

const texts = {
  id: 'id',
  display_name: 'displayName',
  given_name: 'givenName',
  family_name: 'familyName',
  birth_date: 'birthDate',
  job_title: 'jobTitle',
  company_id: 'companyId',
  company_name: 'companyName',
  owner_id: 'ownerId',
  owner_team_id: 'ownerTeamId',
  source: 'source',
  create_time: 'createTime',
  update_time: 'updateTime',
} as const satisfies Record<string, keyof Customer>;

const addressParts = {
  street: 'street',
  city: 'city',
  state: 'state',
  postal_code: 'postalCode',
  country_code: 'countryCode',
} as const satisfies Record<string, keyof PostalAddress>;

/**
 * The columns of an export. Items of a list stand below each other in one cell; of addresses only the main one is there.
 *
 * @param systems of external ids, which get a column each
 * @param fields JSON names of the fields to export; all when empty
 */
export function csvColumns(
  systems: readonly string[],
  customFields: CustomFields,
  fields: readonly string[],
): CsvColumn[] {
  const columns: CsvColumn[] = [
    { name: 'kind', field: 'kind', text: ({ kind }) => CustomerKind[kind] },
    ...Object.entries(texts).map(([name, field]): CsvColumn => ({ name, field, text: (customer) => customer[field] })),
    { name: 'lifecycle_stage', field: 'lifecycleStage', text: stageName },
    list('email', 'emails', ({ emails }) => emails.map(({ address }) => address)),
    list('phone', 'phones', ({ phones }) => phones.map(({ number }) => number)),
    list('domain', 'domains', ({ domains }) => domains),
    list('tag', 'tags', ({ tags }) => tags),
    ...Object.entries(addressParts).map(([name, part]): CsvColumn => ({
      name,
      field: 'addresses',
      text: ({ addresses: [main] }) => main?.[part],
    })),
    ...systems.map((system): CsvColumn => ({
      name: `external_id.${system}`,
      field: 'externalIds',
      text: ({ externalIds }) => externalIds.find((id) => id.system === system)?.value,
    })),
    ...customFields.live.map(({ key }): CsvColumn => ({
      name: `custom_fields.${key}`,
      field: 'customFields',
      text: ({ customFields: values }) => customText(values && Object.hasOwn(values, key) ? values[key] : undefined),
    })),
  ];
  return fields.length === 0 ? columns : columns.filter(({ field }) => fields.includes(field));
}

function list(
  name: 'email' | 'phone' | 'domain' | 'tag',
  field: keyof Customer,
  items: (customer: Customer) => string[],
): CsvColumn {
  return { name, field, text: (customer) => joinItems(items(customer), itemSeparators[name]) };
}

function stageName({ lifecycleStage }: Customer): string | undefined {
  return lifecycleStage === LifecycleStage.UNSPECIFIED ? undefined : LifecycleStage[lifecycleStage];
}

/** As an import reads it: the items of MULTI_SELECT with semicolons, money as "12.50 EUR". */
function customText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return joinItems(value as string[], itemSeparators.choice, '; ');
  if (typeof value === 'object' && value !== null) {
    const { amount, currencyCode } = value as { amount: string; currencyCode: string };
    return `${amount} ${currencyCode}`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
