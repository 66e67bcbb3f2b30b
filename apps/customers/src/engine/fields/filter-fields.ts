import type { TermField } from './customer-terms.js';

/** How a field of a filter is compared. */
export type FilterField =
  /** `column` is not null when there is a value. */
  | { type: 'term'; field: TermField; column: string }
  /** Holds one of `names`, in their order when `ordered`. */
  | { type: 'enum'; field: TermField; column: string; names: readonly string[]; ordered: boolean }
  /** A text in any of the entries of a list. */
  | { type: 'listed'; field: TermField; hasValue: string }
  | { type: 'id'; column: 'id' | 'company_id' }
  | { type: 'owner'; field: TermField; column: string }
  | { type: 'time'; column: string }
  /** `column` shows it, `sorted` has it folded. */
  | { type: 'name'; column: string; sorted: string }
  | { type: 'key'; key: 'EMAIL' | 'DOMAIN' | 'EXTERNAL_ID'; column: string };

const address = (key: string) =>
  `exists (select from jsonb_array_elements(%.addresses) item where item->>'${key}' <> '')`;

const fields: Readonly<Record<string, FilterField>> = {
  id: { type: 'id', column: 'id' },
  kind: { type: 'enum', field: 'kind', column: 'kind', names: ['PERSON', 'COMPANY'], ordered: false },
  display_name: { type: 'name', column: 'display_name', sorted: 'sort_name' },
  given_name: { type: 'term', field: 'given_name', column: 'given_name' },
  family_name: { type: 'name', column: 'family_name', sorted: 'family_sort_name' },
  job_title: { type: 'term', field: 'job_title', column: 'job_title' },
  company_name: { type: 'name', column: 'company_name', sorted: 'company_sort_name' },
  company_id: { type: 'id', column: 'company_id' },
  lifecycle_stage: {
    type: 'enum',
    field: 'lifecycle_stage',
    column: 'lifecycle_stage',
    names: ['SUBSCRIBER', 'LEAD', 'QUALIFIED', 'OPPORTUNITY', 'CUSTOMER', 'FORMER_CUSTOMER'],
    ordered: true,
  },
  owner_id: { type: 'owner', field: 'owner_id', column: 'owner_id' },
  owner_team_id: { type: 'owner', field: 'owner_team_id', column: 'owner_team_id' },
  source: { type: 'term', field: 'source', column: 'source' },
  birth_date: { type: 'term', field: 'birth_date', column: 'birth_date' },
  create_time: { type: 'time', column: 'create_time' },
  update_time: { type: 'time', column: 'update_time' },
  emails: { type: 'key', key: 'EMAIL', column: 'emails' },
  domains: { type: 'key', key: 'DOMAIN', column: 'domains' },
  external_ids: { type: 'key', key: 'EXTERNAL_ID', column: 'external_ids' },
  phones: { type: 'listed', field: 'phones', hasValue: `%.phones <> '[]'` },
  tags: { type: 'listed', field: 'tags', hasValue: `%.tags <> '{}'` },
  city: { type: 'listed', field: 'city', hasValue: address('city') },
  state: { type: 'listed', field: 'state', hasValue: address('state') },
  postal_code: { type: 'listed', field: 'postal_code', hasValue: address('postalCode') },
  country_code: { type: 'listed', field: 'country_code', hasValue: address('countryCode') },
};

/** Names of the fields that a filter may compare, without those of the tenant's own and of other customers. */
export const filterFieldNames: readonly string[] = Object.keys(fields);

/** @param name in snake_case */
export function filterField(name: string): FilterField | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
