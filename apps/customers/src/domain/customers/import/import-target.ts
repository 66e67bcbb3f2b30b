import type { CustomFields } from '../../../engine/fields/custom-fields.js';

/** The fields of Customer that hold one text each. */
const textFields = [
  'display_name',
  'given_name',
  'family_name',
  'job_title',
  'company_name',
  'source',
  'birth_date',
] as const;
const idFields = ['company_id', 'owner_id', 'owner_team_id'] as const;
const enumFields = ['kind', 'lifecycle_stage'] as const;
/** The customer's own, which the row is about. */
const ownIdFields = ['id'] as const;
const listFields = ['email', 'phone', 'domain', 'tag', 'address', 'external_id'] as const;
/** With the key of one of the tenant's own fields, or all of them in an object. */
const customFields = ['custom_fields'] as const;
const addressFields = ['street', 'city', 'state', 'postal_code', 'country_code', 'country'] as const;

export type TextField = (typeof textFields)[number];
export type IdField = (typeof idFields)[number];
export type ListField = (typeof listFields)[number];
export type AddressField = (typeof addressFields)[number];
export type ImportField =
  | TextField
  | IdField
  | (typeof enumFields)[number]
  | (typeof ownIdFields)[number]
  | ListField
  | AddressField
  | 'custom_fields';

/** Where the values of a column go. */
export interface ImportTarget {
  field: ImportField;
  /** What a phone number, e-mail address or postal address is for; of an external id the system, of a custom field the key. */
  label: string | undefined;
}

const plurals = new Map<string, ListField>(
  Object.entries({
    emails: 'email',
    phones: 'phone',
    domains: 'domain',
    tags: 'tag',
    addresses: 'address',
    external_ids: 'external_id',
  }),
);

const texts = new Set<string>([...textFields, ...idFields]);
const addressParts = new Set<string>(addressFields);
const allFields = new Set<string>([
  ...textFields,
  ...idFields,
  ...enumFields,
  ...ownIdFields,
  ...listFields,
  ...addressFields,
  ...customFields,
]);
const labelled = new Set<string>(['email', 'phone', 'address', 'external_id', ...addressFields, ...customFields]);
const many = new Set<string>([...listFields, ...addressFields]);

/** Reads a target such as `family_name`, `phone.fax` or `custom_fields.plan`. Undefined when there is no such field. */
export function parseTarget(text: string, definitions: CustomFields): ImportTarget | undefined {
  const [, name = '', label] = /^([^.]*)(?:\.(.*))?$/s.exec(text) ?? [];
  const field = plurals.get(name) ?? name;
  if (!isImportField(field) || (label !== undefined && !labelled.has(field))) return undefined;
  if (field === 'custom_fields' && label !== undefined && !definitions.live.some(({ key }) => key === label)) {
    return undefined;
  }
  return { field, label };
}

/** The target as it is written in `map`. */
export function formatTarget({ field, label }: ImportTarget): string {
  return label === undefined ? field : `${field}.${label}`;
}

export function isTextField(field: ImportField): field is TextField | IdField {
  return texts.has(field);
}

export function isAddressField(field: ImportField): field is AddressField {
  return addressParts.has(field);
}

/** Whether several columns may go to the target. */
export function takesMany({ field }: ImportTarget): boolean {
  return many.has(field);
}

function isImportField(name: string): name is ImportField {
  return allFields.has(name);
}
