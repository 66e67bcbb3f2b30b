import {
  CustomerKind,
  LifecycleStage,
  type Customer,
  type PostalAddress,
} from '@rapport/contracts/rapport/customers/v1/customer';
import type { CsvColumn } from '../../../engine/export/csv-columns.js';
import { itemSeparators, joinItems } from '../../../engine/values/cell-items.js';

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

/** The columns of files with customers: released, so their names and order stay. Of addresses only the main one is there. */
export const customerColumns: readonly CsvColumn<Customer>[] = [
  { name: 'kind', field: 'kind', text: ({ kind }) => CustomerKind[kind] },
  ...Object.entries(texts).map(([name, field]): CsvColumn<Customer> => ({
    name,
    field,
    text: (customer) => customer[field],
  })),
  { name: 'lifecycle_stage', field: 'lifecycleStage', text: stageName },
  list('email', 'emails', ({ emails }) => emails.map(({ address }) => address)),
  list('phone', 'phones', ({ phones }) => phones.map(({ number }) => number)),
  list('domain', 'domains', ({ domains }) => domains),
  list('tag', 'tags', ({ tags }) => tags),
  ...Object.entries(addressParts).map(([name, part]): CsvColumn<Customer> => ({
    name,
    field: 'addresses',
    text: ({ addresses: [main] }) => main?.[part],
  })),
];

function list(
  name: 'email' | 'phone' | 'domain' | 'tag',
  field: keyof Customer,
  items: (customer: Customer) => string[],
): CsvColumn<Customer> {
  return { name, field, text: (customer) => joinItems(items(customer), itemSeparators[name]) };
}

function stageName({ lifecycleStage }: Customer): string | undefined {
  return lifecycleStage === LifecycleStage.UNSPECIFIED ? undefined : LifecycleStage[lifecycleStage];
}
