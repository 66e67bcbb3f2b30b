/** What a text is that matches a pattern of the contract, after `must be`, and an example of it. */
type Phrase = readonly [phrase: string, example?: string];

/** By pattern. A pattern that lists its values needs no phrase. */
export const patternPhrases: Readonly<Record<string, Phrase>> = {
  // Names
  '^[a-z][a-z0-9_]{0,59}$': [
    'at most 60 lower-case letters, digits and underscores, beginning with a letter',
    'contract_end',
  ],
  '^[a-z][a-z0-9_]{0,39}$': [
    'at most 40 lower-case letters, digits and underscores, beginning with a letter',
    'send_offer',
  ],
  '^[a-z][a-z0-9_]{0,19}$': [
    'at most 20 lower-case letters, digits and underscores, beginning with a letter',
    'variant_a',
  ],
  '^[a-z][a-z0-9_-]{0,29}$': [
    'at most 30 lower-case letters, digits, hyphens and underscores, beginning with a letter',
    'board',
  ],
  '^[a-z][a-z0-9-]{0,39}$': ['at most 40 lower-case letters, digits and hyphens, beginning with a letter', 'carddav'],
  '^[a-z0-9][a-z0-9_.-]{0,59}$': [
    'at most 60 lower-case letters, digits, dots, hyphens and underscores, beginning with a letter or digit',
    'erp',
  ],
  '^[A-Z][A-Z0-9_]{0,59}$': [
    'at most 60 capital letters, digits and underscores, beginning with a letter',
    'CREDIT_REFUSED',
  ],
  '^[A-Za-z0-9][A-Za-z0-9._/-]{0,79}$': [
    'at most 80 letters, digits, dots, hyphens, slashes and underscores, beginning with a letter or digit',
    'VS-200/B',
  ],
  '^[a-z0-9]+(-[a-z0-9]+)*$': ['words of lower-case letters and digits, joined by hyphens', 'reset-a-password'],
  '^[A-Za-z0-9_-]{1,100}$': ['at most 100 letters, digits, hyphens and underscores'],
  // Record types and fields
  '^[a-z][A-Za-z]{0,59}$': ['the name of a record type', 'customers'],
  '^[a-z][a-zA-Z]{0,59}$': ['the name of a record type', 'customers'],
  '^[a-z][A-Za-z0-9]{0,59}$': ['the name of a record type', 'customers'],
  '^[a-z][a-z_]*$': ['the name of a record type', 'customer'],
  '^[a-z][A-Za-z]{0,59}(/[a-z][a-z0-9_]{0,59})?$': ['the name of a record type', 'objects/subscription'],
  '^[a-z][A-Za-z0-9]{0,59}(\\.[a-z][a-z0-9_]{0,59})?$': ['the name of a record type', 'objects.subscription'],
  '^[a-z][a-zA-Z0-9]{0,59}(\\.[a-z][a-z0-9_]{0,59})?$': [
    'a name of letters and digits, or two joined by a dot',
    'objects.subscription',
  ],
  '^[a-z][A-Za-z0-9_]*(/[a-z][A-Za-z0-9_]*)*$': ['the path of a list of records', 'objects/subscription/records'],
  '^[a-z][A-Za-z]*$': ['the name of a field', 'displayName'],
  '^[A-Za-z][A-Za-z0-9_]*(\\.[A-Za-z][A-Za-z0-9_]*)*$': ['the name of a field', 'customer.displayName'],
  '^[a-z][a-zA-Z0-9]{0,59}(\\.[a-z][a-zA-Z0-9_]{0,59})?$': ['the name of a field', 'customFields.contract_end'],
  '^([a-z][A-Za-z]{1,39}|customFields\\.[a-z][a-z0-9_]{0,59})$': ['the name of a field', 'customFields.contract_end'],
  '^([a-z][A-Za-z]{1,39}|customFields\\.[a-z][a-z0-9_]{0,59}|addresses(\\[[A-Za-z0-9 _-]{1,40}\\])?\\.[a-z][A-Za-z]{1,19}|[a-z][A-Za-z]{1,39}\\.[a-z][A-Za-z]{1,39})$':
    ['the name of a field, or of a part of one', 'addresses[billing].city'],
  '^([a-z][A-Za-z0-9]{0,59}\\.([a-z][a-z0-9_]{0,59}\\.)?)?[a-z][a-z0-9_]{0,59}$': [
    'the key of a custom field, after its record type unless that is customers',
    'deals.contract_end',
  ],
  '^(email|phone|displayName|givenName|familyName|jobTitle|customFields\\.[a-z][a-z0-9_]{0,59})$': [
    'email, phone, displayName, givenName, familyName, jobTitle or a custom field',
    'customFields.contract_end',
  ],
  '^(company|message|customFields\\.[a-z][a-z0-9_]{0,59})$': [
    'company, message or a custom field',
    'customFields.contract_end',
  ],
  '^[^=]+=[A-Za-z_]+(\\.[A-Za-z0-9_. -]+)?$': ['a column and a field, joined by =', 'Last name=familyName'],
  '^(\\*|[a-z][a-z_]*\\.(\\*|[a-z]+))$': ['* or a record type and an event, joined by a dot', 'customer.created'],
  // Records, callers and permissions
  '^[a-z][a-zA-Z0-9]{0,59}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$': [
    'a record type and the id of a record, joined by a slash',
    'customers/019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a15',
  ],
  '^[a-z][A-Za-z0-9]{0,59}/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$': [
    'a record type and the id of a record, joined by a slash',
    'customers/019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a15',
  ],
  '^[a-z][a-zA-Z]{0,59}/[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$': [
    'a record type and the id of a record, joined by a slash',
    'customers/019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a15',
  ],
  '^(admin|manager|member|read-only|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$': [
    'admin, manager, member, read-only or the id of another role',
    '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a15',
  ],
  '^(user|apiKey):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$': [
    'the id of a user or an API key, after its kind',
    'user:019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a15',
  ],
  '^[a-z][A-Za-z]*(\\.[a-z][a-z0-9_]{0,59})?\\.[a-z]+$': ['the name of a permission', 'customers.read'],
  '^[a-z][a-zA-Z]{0,59}(\\.[a-z][a-z0-9_]{0,59})?\\.[a-z]{1,20}$': ['the name of a permission', 'customers.read'],
  '^[A-Za-z0-9_.]+/[A-Za-z0-9]+$': ['the full name of a method', 'rapport.customers.v1.CustomersService/GetCustomer'],
  '^[A-Za-z0-9_-]{64}$': ['the token of 64 characters in the link of the e-mail'],
  '^[0-9]{6}$': ['a code of six digits', '042917'],
  '^[0-9a-f]{64}$': ['a SHA-256 hash, as 64 lower-case hexadecimal digits'],
  // Numbers
  '^[0-9]{1,9}$': ['a whole number of at most 9 digits'],
  '^[0-9]{1,18}$': ['a whole number of at most 18 digits'],
  '^[-+]?[0-9]{1,18}(\\.[0-9]{1,9})?$': [
    'a decimal number with at most 18 digits before the point and 9 after it',
    '1250.50',
  ],
  '^-?[0-9]{1,9}(\\.[0-9]{1,6})?$': ['a decimal number with at most 9 digits before the point and 6 after it', '2.5'],
  '^-?[0-9]{1,12}(\\.[0-9]{1,6})?$': [
    'a decimal number with at most 12 digits before the point and 6 after it',
    '19.90',
  ],
  '^[0-9]{1,3}(\\.[0-9]{1,4})?$': [
    'a decimal number with at most 3 digits before the point and 4 after it, without a sign',
    '33.3333',
  ],
  '^[0-9]{1,9}(\\.[0-9]{1,6})?$': [
    'a decimal number with at most 9 digits before the point and 6 after it, without a sign',
    '2.5',
  ],
  '^[0-9]{1,12}(\\.[0-9]{1,6})?$': [
    'a decimal number with at most 12 digits before the point and 6 after it, without a sign',
    '19.90',
  ],
  '^[0-9]{1,12}(\\.[0-9]{1,12})?$': [
    'a decimal number with at most 12 digits before the point and 12 after it, without a sign',
    '1.0834',
  ],
  '^[0-9]{1,18}(\\.[0-9]{1,4})?$': [
    'a decimal number with at most 18 digits before the point and 4 after it, without a sign',
    '50.00',
  ],
  '^[A-Z]{3}$': ['an ISO 4217 currency code of three capital letters', 'EUR'],
  // Time
  '^([01][0-9]|2[0-3]):[0-5][0-9]$': ['a time from 00:00 to 23:59', '09:30'],
  '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$': ['a time from 00:00 to 24:00', '17:30'],
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$': ['a local time without seconds', '2026-01-31T09:30'],
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$': ['a local time with seconds', '2026-01-31T09:30:00'],
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})?$': [
    'a date, or a local time with seconds',
    '2026-01-31T09:30:00',
  ],
  '^[12][0-9]{3}(-(0[1-9]|1[0-2])|-Q[1-4])?$': ['a year, a quarter or a month', '2026-Q3'],
  '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$': ['an IANA time zone', 'Europe/Berlin'],
  // Mail, languages and texts
  '^[^\\s@<>\\x00-\\x1F]+@[^\\s@<>\\x00-\\x1F]+$': ['an e-mail address', 'mary@orrery.example'],
  '^(<>|[^\\s@<>\\x00-\\x1F]+@[^\\s@<>\\x00-\\x1F]+)$': ['an e-mail address, or <> for none', 'mary@orrery.example'],
  '^[^<>\\s]+$': ['a Message-ID without its angle brackets', '4711@orrery.example'],
  '^\\+[1-9][0-9]{5,14}$': ['a phone number in the international format E.164', '+442079460958'],
  '^[0-9A-Fa-f:.]+$': ['an IP address', '203.0.113.7'],
  '^[a-zA-Z0-9]([a-zA-Z0-9.:-]*[a-zA-Z0-9])?$': ['a host name or an IP address', 'smtp.example.com'],
  '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$': [
    'at most 63 lower-case letters, digits and hyphens, with a hyphen at neither end',
    'mail2026',
  ],
  '^[a-zA-Z0-9!#$&^_.+-]{1,60}/[a-zA-Z0-9!#$&^_.+-]{1,100}$': ['a media type without parameters', 'application/pdf'],
  '^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}$': ['a language tag (BCP 47)', 'pt-BR'],
  '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$': ['a language tag (BCP 47)', 'pt-BR'],
  '^[^\\r\\n]*$': ['a single line'],
  '^[!-~]+$': ['printable ASCII characters without spaces', 'delivery-4711'],
  '^[!-~]( ?[!-~])*$': ['printable ASCII characters, with single spaces between them only'],
};

/** Such as `^(key|external_ids)$`. */
const listed = /^\^\(([\w-]+(?:\|[\w-]+)*)\)\$$/;

/**
 * The sentence about a text that does not match a pattern. It is for people: the pattern itself is in the OpenAPI document.
 *
 * @param pattern of the contract; one of a contract of others, which has no phrase, is named as it is
 */
export function patternMismatch(pattern: string): string {
  const values = listed.exec(pattern)?.[1];
  if (values !== undefined) return `must be one of ${values.split('|').join(', ')}.`;
  const [phrase, example] = patternPhrases[pattern] ?? [];
  if (phrase === undefined) return `must match ${pattern}.`;
  return example === undefined ? `must be ${phrase}.` : `must be ${phrase}, such as ${example}.`;
}
