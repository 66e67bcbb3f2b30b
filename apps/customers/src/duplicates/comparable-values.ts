import { digits } from '../phone-numbers.js';
import { fold } from '../search-text.js';
import type { CandidateAddress, DuplicateCandidate } from './duplicate-candidate.js';

/** A value as it is compared, and as it was given. */
export interface Term {
  key: string;
  text: string;
}

/** An e-mail address and its parts before and after the last @. */
export interface EmailTerm extends Term {
  local: string;
  domain: string;
}

/** `key` is `system/value` without punctuation in the value. */
export interface ComparableIdentifier extends Term {
  system: string;
}

/** The name of a street, and the number: "12b Main St." is "main st" and "12b". */
export interface StreetTerm extends Term {
  houseNumber: string;
}

export interface ComparableAddress {
  street?: StreetTerm;
  postalCode?: Term;
  city?: Term;
  state?: Term;
  country?: Term;
}

/** A candidate brought into the form in which values are counted, blocked on and compared. */
export interface ComparableValues {
  id: string;
  kind: DuplicateCandidate['kind'];
  givenName?: Term;
  familyName?: Term;
  companyName?: Term;
  /** Eight digits, year first, when the date could be read; else what was typed. */
  birthDate?: Term;
  emails: EmailTerm[];
  phones: Term[];
  domains: Term[];
  addresses: ComparableAddress[];
  identifiers: ComparableIdentifier[];
}

/** Reads a candidate once, so that each of its many comparisons is cheap. Pure. */
export function comparableValues(candidate: DuplicateCandidate): ComparableValues {
  const isPerson = candidate.kind === 'PERSON';
  return {
    id: candidate.id,
    kind: candidate.kind,
    ...(isPerson ? personNames(candidate) : { companyName: term(candidate.displayName, companyNameKey) }),
    birthDate: isPerson ? term(candidate.birthDate, birthDateKey) : undefined,
    emails: terms(candidate.emails, (email) => fold(email.trim())).map(emailTerm),
    phones: terms(candidate.phones, phoneKey),
    domains: isPerson ? [] : terms(candidate.domains, (domain) => fold(domain).replace(/^www\./, '')),
    addresses: candidate.addresses.map(comparableAddress),
    identifiers: terms(candidate.identifiers, identifierKey).map((identifier) => ({
      ...identifier,
      system: identifier.key.slice(0, identifier.key.indexOf('/')),
    })),
  };
}

/** A person who has only a display name is read as given names first, family name last. */
function personNames({ givenName, familyName, displayName }: DuplicateCandidate) {
  const names = { givenName: term(givenName, wordsKey), familyName: term(familyName, wordsKey) };
  if (names.givenName ?? names.familyName) return names;
  if (displayName === undefined || displayName.includes('@')) return names;
  const words = displayName.trim().split(/\s+/);
  const last = words.pop();
  return { givenName: term(words.join(' '), wordsKey), familyName: term(last, wordsKey) };
}

function comparableAddress({ street, city, state, postalCode, countryCode }: CandidateAddress): ComparableAddress {
  return {
    street: streetTerm(street),
    postalCode: term(postalCode, (text) => fold(text).replace(/[^\p{L}\p{N}]/gu, '')),
    city: term(city, wordsKey),
    state: term(state, wordsKey),
    country: term(countryCode, fold),
  };
}

function streetTerm(text: string | undefined): StreetTerm | undefined {
  const words = wordsKey(text ?? '').split(' ');
  const isNumber = (word: string) => /^\d+[a-z]?$/.test(word);
  const name = words.filter((word) => !isNumber(word)).join(' ');
  return name === '' ? undefined : { key: name, text: text ?? '', houseNumber: words.filter(isNumber).join(' ') };
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
 * A company's name without what says how it is incorporated: "The ACME Widgets GmbH & Co. KG" is "acme widgets". A name
 * that has nothing else stays. The forms are those of ISO 20275 that are common in the larger economies.
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

/** The last nine digits, in which a national and an international spelling of one number agree. */
function phoneKey(text: string): string {
  return digits(text).slice(-9);
}
