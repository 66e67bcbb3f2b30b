import type { CustomerImportField, CustomerTarget } from './import-fields.js';

/** Columns with one or several web domains. The second line counts only in the absence of the first. */
const [domainNames, siteNames] = [
  ['domain', 'domains', 'companydomain', 'companydomainname', 'emaildomain'],
  ['website', 'websiteurl', 'web', 'webpage', 'webpages', 'url', 'homepage', 'website1value'],
];

const lists = new Map<string, CustomerImportField>(
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
const addressParts = new Map<string, CustomerImportField>(
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

/** The target of a column of a list or of a part of an address. A country's code wins over its name. */
export function guessTarget(name: string, others: ReadonlySet<string>): CustomerTarget | undefined {
  const has = (names: string[]) => names.some((each) => others.has(each));
  if (domainNames.includes(name) || (siteNames.includes(name) && !has(domainNames))) {
    return { field: 'domain', label: undefined };
  }
  const target = guessList(name);
  return target?.field === 'country' && has(['countrycode', 'alphatwocode']) ? undefined : target;
}

function guessList(name: string): CustomerTarget | undefined {
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
