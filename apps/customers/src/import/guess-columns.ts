import type { CustomFields } from '../custom-fields/custom-fields.js';
import { parseTarget, type ImportField, type ImportTarget } from './import-target.js';

/**
 * Names of columns in the files of HubSpot, Salesforce, Google, Outlook, Pipedrive and in our own JSON, in lower case
 * without spaces and punctuation, the best one first. Of several columns for one field only the best is taken.
 */
const namesOfSingle: Partial<Record<ImportField, readonly string[]>> = {
  display_name: ['displayname', 'fullname', 'contactname', 'customername', 'name', 'fileas'],
  given_name: ['givenname', 'firstname', 'forename', 'vorname', 'prenom'],
  family_name: ['familyname', 'lastname', 'surname', 'nachname', 'nom'],
  job_title: ['jobtitle', 'position', 'role', 'organizationtitle', 'organization1title', 'title'],
  company_name: [
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
  kind: ['kind', 'recordtype', 'customertype'],
  lifecycle_stage: ['lifecyclestage', 'leadstatus', 'stage'],
  birth_date: ['birthdate', 'dateofbirth', 'birthday', 'dob', 'geburtsdatum', 'datedenaissance'],
  custom_fields: ['customfields'],
  source: ['source', 'leadsource', 'originalsource', 'originalsourcetype'],
  owner_id: ['ownerid'],
  owner_team_id: ['ownerteamid'],
  company_id: ['companyid'],
  external_id: ['externalid', 'recordid', 'customerid', 'contactid', 'accountid', 'clientid', 'id'],
};

/** Columns that name one web domain or several. The second line counts only where there is none of the first. */
const domainNames = [
  ['domain', 'domains', 'companydomain', 'companydomainname', 'emaildomain'],
  ['website', 'websiteurl', 'web', 'webpage', 'webpages', 'url', 'homepage', 'website1value'],
];

const lists = new Map<string, ImportField>(
  Object.entries({
    emails: 'email',
    phones: 'phone',
    addresses: 'address',
    externalids: 'external_id',
    tags: 'tag',
    tag: 'tag',
    labels: 'tag',
    categories: 'tag',
    groupmembership: 'tag',
  }),
);

const usage =
  '(?<usage>primary|main|work|business|company|office|home|personal|private|other|mailing|billing|shipping|mobile|cell)?';
const email = new RegExp(`^${usage}e?mail(?:address)?\\d?(?:address|value)?$`);
const phone = new RegExp(
  `^${usage}(?<what>phone|telephone|tel|mobile|cell|fax)(?:phone)?(?:number)?\\d?(?:number|value)?$`,
);
const addressPart = new RegExp(`^${usage}(?:address)?\\d?(?<part>[a-z]+)\\d?$`);
const addressParts = new Map<string, ImportField>(
  Object.entries({
    street: 'street',
    streetaddress: 'street',
    streetline: 'street',
    addressline: 'street',
    address: 'street',
    city: 'city',
    town: 'city',
    state: 'state',
    stateprovince: 'state',
    stateregion: 'state',
    province: 'state',
    region: 'state',
    county: 'state',
    postalcode: 'postal_code',
    zip: 'postal_code',
    zipcode: 'postal_code',
    zippostalcode: 'postal_code',
    postcode: 'postal_code',
    countrycode: 'country_code',
    alphatwocode: 'country_code',
    country: 'country',
    countryregion: 'country',
  }),
);
const plainUsages = new Set(['primary', 'main', 'company', 'mailing', undefined]);

/**
 * Guesses from the names of a file's columns where their values go: what every customer has first, then the tenant's own
 * fields by their keys and names. What can't be told is left out.
 *
 * Ids are taken only when the caller names the system that they are from: two files that count from 1 would otherwise
 * overwrite each other's customers.
 */
export function guessColumns(
  columns: string[],
  options: { takeIds: boolean; customFields: CustomFields },
): Map<string, ImportTarget> {
  const byName = new Map<string, string>();
  for (const column of columns) if (!byName.has(simplify(column))) byName.set(simplify(column), column);
  const guesses = new Map<string, ImportTarget>();
  const take = (name: string | undefined, field: ImportField, label?: string) => {
    const column = name === undefined ? undefined : byName.get(name);
    if (column !== undefined && !guesses.has(column)) guesses.set(column, { field, label });
  };

  for (const [name, column] of byName) {
    const target = fullTarget(column, options.customFields);
    if (target) take(name, target.field, target.label);
  }
  for (const [field, names] of Object.entries(namesOfSingle) as [ImportField, readonly string[]][]) {
    if (field !== 'external_id' || options.takeIds)
      take(
        names.find((name) => byName.has(name)),
        field,
      );
  }
  const domains = domainNames.find((names) => names.some((name) => byName.has(name))) ?? [];
  for (const name of domains) take(name, 'domain');
  for (const name of byName.keys()) {
    const target = guessList(name);
    if (target && !(target.field === 'country' && hasCountryCode(byName))) take(name, target.field, target.label);
  }
  for (const [name, key] of namesOfOwn(options.customFields)) take(name, 'custom_fields', key);
  return guesses;
}

function hasCountryCode(names: ReadonlyMap<string, string>): boolean {
  return ['countrycode', 'alphatwocode'].some((name) => names.has(name));
}

/** What has a dot names a target just as `map` would. */
function fullTarget(column: string, customFields: CustomFields): ImportTarget | undefined {
  return column.includes('.') ? parseTarget(column, customFields) : undefined;
}

/** Names of columns for the tenant's own fields, and the keys of those. */
function namesOfOwn({ live }: CustomFields): [name: string, key: string][] {
  return live.flatMap(({ key, displayName }) =>
    [key, displayName ?? '', `customfields${key}`].map((name): [string, string] => [simplify(name), key]),
  );
}

function guessList(name: string): ImportTarget | undefined {
  const list = lists.get(name);
  if (list) return { field: list, label: undefined };
  const asEmail = email.exec(name);
  if (asEmail) return { field: 'email', label: labelOf(asEmail.groups?.['usage']) };
  const asPhone = phone.exec(name);
  if (asPhone) return { field: 'phone', label: phoneLabel(asPhone.groups) };
  const asPart = addressPart.exec(name);
  const part = addressParts.get(asPart?.groups?.['part'] ?? '') ?? addressParts.get(name);
  return part ? { field: part, label: labelOf(asPart?.groups?.['usage']) } : undefined;
}

function phoneLabel({ usage: given, what }: Record<string, string | undefined> = {}): string | undefined {
  const device = what === 'fax' ? 'fax' : what === 'mobile' || what === 'cell' ? 'mobile' : undefined;
  const label = labelOf(given === 'cell' ? 'mobile' : given);
  return device && label && device !== label ? `${label} ${device}` : (device ?? label);
}

function labelOf(given: string | undefined): string | undefined {
  if (plainUsages.has(given)) return undefined;
  if (given === 'business' || given === 'office') return 'work';
  return given === 'personal' || given === 'private' ? 'home' : given;
}

function simplify(column: string): string {
  return column
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
