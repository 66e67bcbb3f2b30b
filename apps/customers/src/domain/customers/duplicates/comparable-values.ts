import { digits, fold } from '@rapport/contracts/filters';
import { domainSpellings, emailIdentity } from '../../../engine/values/domain-spellings.js';
import { soundex } from './string-similarity.js';
import type { CandidateAddress, DuplicateCandidate } from './duplicate-candidate.js';

/** A value in its comparable form and in its original form. */
export interface Term {
  key: string;
  text: string;
}

/** An e-mail address and its parts before and after the last @. */
export interface EmailTerm extends Term {
  local: string;
  domain: string;
}

/** `key` is `system/value`, with punctuation removed from the value. */
export interface ComparableIdentifier extends Term {
  system: string;
}

/** The name of a street, and the number: "12b Main St." is "main street" and "12b". */
export interface StreetTerm extends Term {
  houseNumber: string;
  /** The name without the kind of street, which many people omit. */
  stem: string;
}

export interface ComparableAddress {
  street?: StreetTerm;
  postalCode?: Term;
  city?: Term;
  state?: Term;
  country?: Term;
}

/**
 * What two records of one company share despite most errors: the sound of the longest word of the name, and the house.
 */
export interface Marks {
  name: string;
  place: string;
}

/** A candidate in the normalized form used to count, block and compare values. */
export interface ComparableValues {
  id: string;
  kind: DuplicateCandidate['kind'];
  givenName?: Term;
  familyName?: Term;
  companyName?: Term;
  /** Eight digits, year first, for a valid date; otherwise the typed text. */
  birthDate?: Term;
  emails: EmailTerm[];
  phones: Term[];
  domains: Term[];
  addresses: ComparableAddress[];
  identifiers: ComparableIdentifier[];
  /** Empty for a person. */
  marks: Marks;
}

/** Parses a candidate once, so that each of its many comparisons is cheap. Pure. */
export function comparableValues(candidate: DuplicateCandidate): ComparableValues {
  const isPerson = candidate.kind === 'PERSON';
  const companyName = isPerson ? undefined : term(candidate.displayName, companyNameKey);
  const addresses = candidate.addresses.map((address) => comparableAddress(address, candidate.kind));
  return {
    id: candidate.id,
    kind: candidate.kind,
    ...(isPerson ? personNames(candidate) : {}),
    companyName,
    birthDate: isPerson ? term(candidate.birthDate, birthDateKey) : undefined,
    emails: terms(candidate.emails, (email) => fold(emailIdentity(email.trim()))).map(emailTerm),
    phones: terms(candidate.phones, phoneKey),
    domains: isPerson
      ? []
      : terms(candidate.domains, (domain) => fold(domainSpellings(domain.toLowerCase())[0]).replace(/^www\./, '')),
    addresses,
    marks: companyName ? marksOf(companyName, addresses[0]) : { name: '', place: '' },
    identifiers: terms(candidate.identifiers, identifierKey).map((identifier) => ({
      ...identifier,
      system: identifier.key.slice(0, identifier.key.indexOf('/')),
    })),
  };
}

function marksOf({ key }: Term, { street, postalCode }: ComparableAddress = {}): Marks {
  const longest = key.split(' ').reduce((one, other) => (other.length > one.length ? other : one));
  const [firstNumber = ''] = street?.houseNumber.split(' ') ?? [];
  const place = street ? `${firstNumber} ${street.key.slice(0, 1)}` : (postalCode?.key ?? '');
  return { name: soundex(longest) || longest, place };
}

/** A person with only a display name: given names first, family name last. */
function personNames({ givenName, familyName, displayName }: DuplicateCandidate) {
  const names = { givenName: term(givenName, wordsKey), familyName: term(familyName, wordsKey) };
  if (names.givenName ?? names.familyName) return names;
  if (displayName === undefined || displayName.includes('@')) return names;
  const words = displayName.trim().split(/\s+/);
  const last = words.pop();
  return { givenName: term(words.join(' '), wordsKey), familyName: term(last, wordsKey) };
}

function comparableAddress(
  { street, city, state, postalCode, countryCode }: CandidateAddress,
  kind: DuplicateCandidate['kind'],
): ComparableAddress {
  return {
    // Companies often omit their suite; families in one house differ only by their flat.
    street: streetTerm(kind === 'COMPANY' ? street?.replace(unit, ' ') : street, street),
    postalCode: term(postalCode, (text) => fold(text).replace(/[^\p{L}\p{N}]/gu, '')),
    city: term(city, wordsKey),
    state: term(state, wordsKey),
    country: term(countryCode, fold),
  };
}

/** @param text of the street in its original form */
function streetTerm(read: string | undefined, text = ''): StreetTerm | undefined {
  const words = wordsKey(read ?? '').split(' ');
  const isNumber = (word: string) => /^\d+[a-z]?$/.test(word);
  const names = words.filter((word) => !isNumber(word));
  const type = names.length > 1 ? streetTypes.get(names.at(-1) ?? '') : undefined;
  const stem = (type === undefined ? names : names.slice(0, -1)).join(' ');
  if (stem === '') return undefined;
  const key = type === undefined ? stem : `${stem} ${type}`;
  return { key, stem, text, houseNumber: words.filter(isNumber).join(' ') };
}

/** A unit within a building: "Suite 4", "Unit 12b", "# 3", "2nd floor". */
const unit = /(?:\b(?:suite|ste|unit|floor|fl|room|rm)\b\.?|#) *\w+|\b\d+(?:st|nd|rd|th) floor\b/gi;

/** Kinds of street at the end of a name, by their spellings. */
const streetTypes: ReadonlyMap<string, string> = new Map(
  [
    'street st str',
    'avenue ave av',
    'road rd',
    'boulevard blvd',
    'drive dr',
    'lane ln',
    'highway hwy',
    'place pl',
    'square sq',
    'court ct',
    'parkway pkwy',
    'terrace ter',
    'crescent cres',
  ].flatMap((line) => {
    const [full = '', ...short] = line.split(' ');
    return [full, ...short].map((word) => [word, full] as const);
  }),
);

/** A house, independent of the kind of street. */
export function houseKey({ houseNumber, stem }: StreetTerm): string {
  return `${houseNumber} ${stem}`;
}

function emailTerm(email: Term): EmailTerm {
  const at = email.key.lastIndexOf('@');
  return { ...email, local: email.key.slice(0, Math.max(at, 0)), domain: email.key.slice(at + 1) };
}

function identifierKey(text: string): string {
  const [system = '', ...value] = fold(text).split('/');
  const key = value.join('').replace(/[^\p{L}\p{N}]/gu, '');
  return key === '' ? '' : `${system}/${key}`;
}

function term(text: string | undefined, keyOf: (text: string) => string): Term | undefined {
  const key = keyOf(text ?? '');
  return key === '' || text === undefined ? undefined : { key, text };
}

function terms(texts: string[], keyOf: (text: string) => string): Term[] {
  const byKey = new Map<string, Term>();
  for (const text of texts) {
    const read = term(text, keyOf);
    if (read && !byKey.has(read.key)) byKey.set(read.key, read);
  }
  return [...byKey.values()];
}

/** The words of a text: "O'Neill-Smith" is "oneill smith". */
function wordsKey(text: string): string {
  return fold(text)
    .replace(/['’.`]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/**
 * A company's name without its legal form: "The ACME Widgets GmbH & Co. KG" is "acme widgets". A name that consists of
 * a legal form only stays. The forms are those of ISO 20275 that are common in the larger economies.
 */
function companyNameKey(text: string): string {
  const words = wordsKey(text.replace(/&/g, ' and ')).split(' ');
  const first = words.length > 1 && words[0] === 'the' ? 1 : 0;
  const last = words.findLastIndex((word) => !legalForms.has(word));
  return (last < first ? words : words.slice(first, last + 1)).join(' ');
}

/** "and" joins two forms, and "z oo" ends the Polish one. */
const legalForms = new Set(
  (
    'ab ag and aps as asa bv bvba co company corp corporation doo eeig eg ev eurl gbr gmbh inc incorporated kft kg kgaa ' +
    'kk lda limited llc llp lp ltd ltda mbh nv ohg oo oy oyj plc pte pty pvt sa sarl sas sca se sl sp spa sro srl ug z zrt'
  ).split(' '),
);

function birthDateKey(text: string): string {
  const [, year, month, day] = /^\s*(\d{4})\D?(\d{2})\D?(\d{2})\s*$/.exec(text) ?? [];
  return year === undefined ? wordsKey(text) : `${year}${month ?? ''}${day ?? ''}`;
}

/** The last nine digits, which national and international spellings of a number share. */
function phoneKey(text: string): string {
  return digits(text).slice(-9);
}
