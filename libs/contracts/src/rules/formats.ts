import { Format } from '../gen/rapport/api/v1/options.js';

/** A well-known form of text: its name in JSON Schema, its name in messages, and its check. */
export interface TextFormat {
  name: string;
  phrase: string;
  test: (text: string) => boolean;
  /** The same as a pattern, for a form that is no more than one. */
  pattern?: RegExp;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Source: the valid e-mail address of the HTML standard, with bounded labels. */
const email =
  /^[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}@[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?)*$/u;
const domain =
  /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?)+$/u;
/** Source: RFC 3339, section 5.6, `full-date`. */
const date = /^\d{4}-\d\d-\d\d$/;
/** Source: RFC 3339, section 5.6, without leap seconds, which JavaScript does not support. */
const dateTime = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** Made when a country is first checked: loading the names takes tens of milliseconds. */
let countryNames: Intl.DisplayNames | undefined;
/** Results of earlier checks: there are at most 676 codes. */
const countries = new Map<string, boolean>();

export const dateTimeFormat: TextFormat = {
  name: 'date-time',
  phrase: 'an RFC 3339 time such as 2026-01-31T09:30:00Z',
  test: (text) => dateTime.test(text) && isRealTime(text),
};

const formats: Record<Exclude<Format, Format.UNSPECIFIED>, TextFormat> = {
  [Format.UUID]: { name: 'uuid', phrase: 'a UUID in lower case', test: (text) => uuid.test(text), pattern: uuid },
  [Format.EMAIL]: {
    name: 'email',
    phrase: 'an e-mail address',
    test: (text) => text.length <= 254 && email.test(text),
  },
  [Format.DOMAIN]: {
    name: 'domain',
    phrase: 'a domain such as example.com',
    test: (text) => text.length <= 253 && domain.test(text),
  },
  [Format.URL]: {
    name: 'uri',
    phrase: 'an http or https URL',
    test: (text) => /^https?:\/\//i.test(text) && URL.canParse(text),
  },
  [Format.COUNTRY_CODE]: {
    name: 'country-code',
    phrase: 'an ISO 3166-1 alpha-2 country code such as DE',
    test: (text) => /^[A-Z]{2}$/.test(text) && isCountry(text),
  },
  [Format.DATE]: {
    name: 'date',
    phrase: 'a date such as 2026-01-31',
    test: (text) => date.test(text) && isRealTime(`${text}T00:00:00Z`),
  },
};

export function textFormat(format: Format): TextFormat | undefined {
  return format === Format.UNSPECIFIED ? undefined : formats[format];
}

export const allFormats: readonly TextFormat[] = [dateTimeFormat, ...Object.values(formats)];

/** Text that can be stored and passed on unchanged: no NUL, which PostgreSQL refuses, and no unpaired surrogate. */
export function isStorableText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/** The same as a keyword of JSON Schema. */
export const storableKeyword = {
  keyword: 'storable',
  type: 'string' as const,
  validate: (_: unknown, text: string): boolean => isStorableText(text),
};

/** Codes with names that are no countries: unions, test locales and the unknown region. */
const noCountries: ReadonlySet<string> = new Set(['EU', 'EZ', 'QO', 'UN', 'XA', 'XB', 'ZZ']);

/** @param code two capital letters */
function isCountry(code: string): boolean {
  let isKnown = countries.get(code);
  if (isKnown === undefined) {
    countryNames ??= new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
    countries.set(code, (isKnown = !noCountries.has(code) && countryNames.of(code) !== undefined));
  }
  return isKnown;
}

/** All codes of countries, without those that have another one today, such as DD. */
export function countryCodes(): string[] {
  const letters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ');
  const codes = letters.flatMap((first) => letters.map((second) => first + second));
  return codes.filter((code) => isCountry(code) && new Intl.Locale(`und-${code}`).region === code);
}

/** `Date.parse` reads February 30 as March 2, and 24:00 as the next day. */
function isRealTime(text: string): boolean {
  const local = text.slice(0, 19).toUpperCase();
  const asUtc = Date.parse(`${local}Z`);
  const year = new Date(text).getUTCFullYear();
  return !Number.isNaN(asUtc) && new Date(asUtc).toISOString().startsWith(local) && year > 0 && year < 10_000;
}
