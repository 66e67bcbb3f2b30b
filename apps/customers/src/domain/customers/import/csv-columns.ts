import {
  CustomerKind,
  LifecycleStage,
  type Customer,
  type PostalAddress,
} from '@rapport/contracts/rapport/customers/v1/customer';
import type { CsvColumn } from '../../../engine/export/csv-columns.js';
import { itemSeparators, joinItems } from '../../../engine/values/cell-items.js';

const texts = [
  'id',
  'displayName',
  'givenName',
  'familyName',
  'birthDate',
  'jobTitle',
  'companyId',
  'companyName',
  'ownerId',
  'ownerTeamId',
  'source',
  'createTime',
  'updateTime',
] as const satisfies (keyof Customer)[];

const addressParts = [
  'street',
  'city',
  'state',
  'postalCode',
  'countryCode',
] as const satisfies (keyof PostalAddress)[];

/**
 * The columns of customer files. They are released, so their names and order are stable. Imports also accept the
 * snake_case names of earlier releases. Only the primary address is included.
 */
export const customerColumns: readonly CsvColumn<Customer>[] = [
  { name: 'kind', field: 'kind', text: ({ kind }) => CustomerKind[kind] },
  ...texts.map((field): CsvColumn<Customer> => ({
    name: field,
    field,
    text: (customer) => customer[field],
  })),
  { name: 'lifecycleStage', field: 'lifecycleStage', text: stageName },
  list('email', 'emails', ({ emails }) => emails.map(({ address }) => address)),
  list('phone', 'phones', ({ phones }) => phones.map(({ number }) => number)),
  list('domain', 'domains', ({ domains }) => domains),
  list('tag', 'tags', ({ tags }) => tags),
  ...addressParts.map((part): CsvColumn<Customer> => ({
    name: part,
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
