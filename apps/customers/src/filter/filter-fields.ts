/** How a field of a filter is compared. */
export type FilterField =
  | { type: 'uuid' | 'text' | 'time'; column: string }
  /** `column` holds one of `names`, which are in their order. */
  | { type: 'enum'; column: string; names: readonly string[] }
  /** Ordered as the list is, by the folded name. */
  | { type: 'name' }
  | { type: 'emails' | 'phones' | 'domains' | 'tags' | 'external_ids' }
  /** A part of any of the addresses. */
  | { type: 'address'; key: string };

const fields: Readonly<Record<string, FilterField>> = {
  id: { type: 'uuid', column: 'id' },
  kind: { type: 'enum', column: 'kind', names: ['PERSON', 'COMPANY'] },
  display_name: { type: 'name' },
  given_name: { type: 'text', column: 'given_name' },
  family_name: { type: 'text', column: 'family_name' },
  job_title: { type: 'text', column: 'job_title' },
  company_name: { type: 'text', column: 'company_name' },
  company_id: { type: 'uuid', column: 'company_id' },
  lifecycle_stage: {
    type: 'enum',
    column: 'lifecycle_stage',
    names: ['SUBSCRIBER', 'LEAD', 'QUALIFIED', 'OPPORTUNITY', 'CUSTOMER', 'FORMER_CUSTOMER'],
  },
  owner_id: { type: 'uuid', column: 'owner_id' },
  source: { type: 'text', column: 'source' },
  create_time: { type: 'time', column: 'create_time' },
  update_time: { type: 'time', column: 'update_time' },
  emails: { type: 'emails' },
  phones: { type: 'phones' },
  domains: { type: 'domains' },
  tags: { type: 'tags' },
  external_ids: { type: 'external_ids' },
  city: { type: 'address', key: 'city' },
  state: { type: 'address', key: 'state' },
  country_code: { type: 'address', key: 'countryCode' },
};

/** Names of the fields that a filter may compare. */
export const filterFieldNames: readonly string[] = Object.keys(fields);

/** @param name in snake_case or lowerCamelCase */
export function filterField(name: string): FilterField | undefined {
  const snakeCase = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.hasOwn(fields, snakeCase) ? fields[snakeCase] : undefined;
}
