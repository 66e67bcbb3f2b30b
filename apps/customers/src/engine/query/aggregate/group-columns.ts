import { invalidArgument } from '@rapport/platform';
import type { CustomFields } from '../../fields/custom-fields.js';
import { snakeCase } from '../../values/snake-case.js';

/** A field by which customers are grouped. */
export interface GroupColumn {
  /** What it joins to a customer: its values, where it can have several. */
  join: string;
  /** One value as text, null when there is none. */
  value: string;
  /** Whether a customer can have several values. */
  isList: boolean;
}

const columns: Readonly<Record<string, string>> = {
  kind: 'customer.kind',
  lifecycle_stage: 'customer.lifecycle_stage',
  owner_id: 'customer.owner_id::text',
  owner_team_id: 'customer.owner_team_id::text',
  company_id: 'customer.company_id::text',
  source: 'customer.source',
};

const lists: Readonly<Record<string, string>> = {
  tags: 'unnest(customer.tags)',
  country_code: `(select distinct item->>'countryCode' from jsonb_array_elements(customer.addresses) item
    where item->>'countryCode' is not null)`,
};

/**
 * @param customFields may be absent when no custom field is named
 * @throws AppError INVALID_ARGUMENT GROUP_INVALID that names each field by which customers can't be grouped
 */
export function readGroups(groupBy: readonly string[], customFields: CustomFields | undefined): GroupColumn[] {
  const groups = groupBy.map((name, index) => groupColumn(name, `value_${index}`, customFields));
  const violations = groups.flatMap((group, index) => {
    const description =
      'must be kind, lifecycle_stage, owner_id, owner_team_id, company_id, source, tags, country_code, or ' +
      'custom_fields.<key> of type BOOLEAN, SELECT or MULTI_SELECT';
    return group ? [] : [{ field: `groupBy[${index}]`, reason: 'GROUP_INVALID', description }];
  });
  if (violations.length > 0) throw invalidArgument(violations);
  return groups.filter((group) => group !== undefined);
}

function groupColumn(name: string, alias: string, customFields: CustomFields | undefined): GroupColumn | undefined {
  const [first = '', key, ...deeper] = name.split('.');
  const field = snakeCase(first);
  if (field === 'custom_fields' && key !== undefined && deeper.length === 0) {
    switch (customFields?.get(key)?.type) {
      case 'BOOLEAN':
      case 'SELECT':
        return single(`(customer.custom_fields->>'${key}')`);
      case 'MULTI_SELECT':
        return listed(`jsonb_array_elements_text(customer.custom_fields->'${key}')`, alias);
      default:
        return undefined;
    }
  }
  if (key !== undefined) return undefined;
  if (Object.hasOwn(columns, field)) return single(columns[field] ?? '');
  return Object.hasOwn(lists, field) ? listed(lists[field] ?? '', alias) : undefined;
}

function single(value: string): GroupColumn {
  return { join: '', value, isList: false };
}

function listed(values: string, alias: string): GroupColumn {
  return { join: `left join lateral ${values} as ${alias}(item) on true`, value: `${alias}.item`, isList: true };
}
