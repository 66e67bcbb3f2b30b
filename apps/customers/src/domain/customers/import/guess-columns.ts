import { ImportColumn_Reason as Reason } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { CustomFields } from '../../../engine/fields/custom-fields.js';
import { formatTarget, parseTarget, takesMany, type ImportField, type ImportTarget } from './import-target.js';

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

/** Fields of our own JSON and CSV that the server sets. None is a custom field, though one may be called the same. */
const serverFields = new Set(
  [
    'etag',
    'create_time',
    'update_time',
    'delete_time',
    'created_by',
    'updated_by',
    'lifecycle_stage_time',
    'merged_into_id',
  ].flatMap((name) => [name, name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())]),
);

/** Where a column's values go, and what its name has to do with it. */
export interface GuessedTarget extends ImportTarget {
  reason: Reason;
}

/**
 * Guesses from the names of a file's columns where their values go: what every customer has first, then the tenant's own
 * fields by their keys and names. What can't be told is left out.
 *
 * Ids of another system are taken only when the caller names that system: two files that count from 1 would otherwise
 * overwrite each other's customers. A column `id` has the customers' own ids then otherwise, as in an exported file.
 */
export function guessColumns(
  columns: string[],
  options: { takeIds: boolean; customFields: CustomFields },
): Map<string, GuessedTarget> {
  const guess = new ColumnGuess(columns);
  guess.takeFullTargets(options.customFields);
  guess.takeSingles(options.takeIds);
  guess.takeDomains();
  guess.takeLists();
  for (const [name, key] of namesOfOwn(options.customFields)) {
    guess.take(name, 'custom_fields', key, Reason.CUSTOM_FIELD);
  }
  return guess.targets;
}

/** What is known so far of the columns of a file. A column goes to the first field that takes it. */
class ColumnGuess {
  readonly targets = new Map<string, GuessedTarget>();
  readonly #byName = new Map<string, string>();
  readonly #taken = new Set<string>();

  constructor(private readonly columns: string[]) {
    for (const column of columns) {
      const name = simplify(column);
      if (!serverFields.has(column) && !this.#byName.has(name)) this.#byName.set(name, column);
    }
  }

  take(name: string | undefined, field: ImportField, label?: string, reason = Reason.KNOWN_NAME): void {
    const column = name === undefined ? undefined : this.#byName.get(name);
    if (column === undefined) return;
    this.#takeColumn(column, { field, label }, column === field ? Reason.FIELD_NAME : reason);
  }

  /** What has a dot names a target just as `map` would. Two of these may differ in nothing but punctuation. */
  takeFullTargets(customFields: CustomFields): void {
    for (const column of this.columns) {
      const target = column.includes('.') ? parseTarget(column, customFields) : undefined;
      if (target) this.#takeColumn(column, target, Reason.FIELD_NAME);
    }
  }

  takeSingles(takeIds: boolean): void {
    if (!takeIds && this.#byName.get('id') === 'id') this.take('id', 'id');
    for (const [field, names] of Object.entries(namesOfSingle) as [ImportField, readonly string[]][]) {
      if (field === 'external_id' && !takeIds) continue;
      this.take(
        names.find((name) => this.#byName.has(name)),
        field,
      );
    }
  }

  takeDomains(): void {
    const names = domainNames.find((some) => some.some((name) => this.#byName.has(name))) ?? [];
    for (const name of names) this.take(name, 'domain');
  }

  takeLists(): void {
    const hasCountryCode = ['countrycode', 'alphatwocode'].some((name) => this.#byName.has(name));
    for (const name of this.#byName.keys()) {
      const target = guessList(name);
      if (target && !(target.field === 'country' && hasCountryCode)) this.take(name, target.field, target.label);
    }
  }

  #takeColumn(column: string, target: ImportTarget, reason: Reason): void {
    const text = formatTarget(target);
    if (this.targets.has(column) || (this.#taken.has(text) && !takesMany(target))) return;
    this.#taken.add(text);
    this.targets.set(column, { ...target, reason });
  }
}

/**
 * Why a column was left out that `guessColumns` did not take, and the field that its name has to do with.
 *
 * @param takeIds as in `guessColumns`
 */
export function whyLeftOut(column: string, takeIds: boolean): { reason: Reason; field?: ImportField | undefined } {
  if (serverFields.has(column)) return { reason: Reason.SERVER_FIELD };
  const name = simplify(column);
  if (!takeIds && namesOfSingle.external_id?.includes(name)) {
    return { reason: Reason.SYSTEM_MISSING, field: 'external_id' };
  }
  if (Object.values(namesOfSingle).some((names) => names.includes(name))) return { reason: Reason.FIELD_TAKEN };
  const list = domainNames.flat().includes(name) ? 'domain' : guessList(name)?.field;
  return list ? { reason: Reason.FIELD_TAKEN, field: list } : { reason: Reason.UNKNOWN_NAME };
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
