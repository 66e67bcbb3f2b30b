import { camelCase } from '@rapport/contracts';
import { isKeyLabel } from '../../../engine/import/derived/derived-fields.js';
import type { ImportField, ImportTarget } from '../../../engine/import/import-rules.js';
import { customers } from '../customers.js';

const list = { takesMany: true } as const;
const labelledList = { takesMany: true, isLabelled: true } as const;

/**
 * The fields that columns can be mapped to, with the column names of HubSpot, Salesforce, Google, Outlook, Pipedrive
 * and our own JSON. `guessTarget` knows the names of fields that span several columns.
 */
export const importFields = {
  display_name: { columns: ['displayname', 'fullname', 'contactname', 'customername', 'name', 'fileas'] },
  given_name: { columns: ['givenname', 'firstname', 'forename', 'vorname', 'prenom'] },
  family_name: { columns: ['familyname', 'lastname', 'surname', 'nachname', 'nom'] },
  job_title: { columns: ['jobtitle', 'position', 'role', 'organizationtitle', 'organization1title', 'title'] },
  company_name: {
    columns: [
      'companyname',
      'company',
      'employer',
      'accountname',
      'account',
      'organizationname',
      'organization1name',
      'organization',
      'organisation',
    ],
  },
  kind: { columns: ['kind', 'recordtype', 'customertype'] },
  lifecycle_stage: { columns: ['lifecyclestage', 'leadstatus', 'stage'] },
  birth_date: { columns: ['birthdate', 'dateofbirth', 'birthday', 'dob', 'geburtsdatum', 'datedenaissance'] },
  /** With the key of one custom field, or all custom fields in an object. */
  custom_fields: { columns: ['customfields'], isLabelled: true },
  source: { columns: ['source', 'leadsource', 'originalsource', 'originalsourcetype'] },
  owner_id: { columns: ['ownerid'] },
  owner: {
    columns: ['owner', 'contactowner', 'companyowner', 'accountowner', 'customerowner', 'recordowner', 'owneremail'],
  },
  owner_team_id: { columns: ['ownerteamid'] },
  company_id: { columns: ['companyid'] },
  /** The company of a person by one of its unique values. */
  company: { isLabelled: true, isLabel: (label: string) => isKeyLabel(customers, label) },
  external_id: {
    ...labelledList,
    plural: 'external_ids',
    columns: ['externalid', 'recordid', 'customerid', 'contactid', 'accountid', 'clientid', 'id'],
  },
  /** Fields of the row's own customer. */
  id: {},
  email: { ...labelledList, plural: 'emails' },
  phone: { ...labelledList, plural: 'phones' },
  domain: { ...list, plural: 'domains' },
  tag: { ...list, plural: 'tags' },
  address: { ...labelledList, plural: 'addresses' },
  street: labelledList,
  city: labelledList,
  state: labelledList,
  postal_code: labelledList,
  country_code: labelledList,
  country: labelledList,
} as const satisfies Record<string, ImportField>;

/** The fields of a file of companies: its column of company ids has the ids of the rows. */
export const companyImportFields: Record<CustomerImportField, ImportField> = {
  ...importFields,
  company_id: { columns: [] },
  external_id: { ...importFields.external_id, columns: ['companyid', ...importFields.external_id.columns] },
};

export type CustomerImportField = keyof typeof importFields;

/** The target of a column's values within a customer. */
export interface CustomerTarget extends ImportTarget {
  field: CustomerImportField;
}

/** Output-only fields of our own JSON and CSV. A custom field with the same name is not mapped either. */
export const serverFields: ReadonlySet<string> = new Set(
  [
    'etag',
    'create_time',
    'update_time',
    'delete_time',
    'created_by',
    'updated_by',
    'lifecycle_stage_time',
    'merged_into_id',
  ].flatMap((name) => [name, camelCase(name)]),
);
