import { firstCodePoints } from '@rapport/contracts/filters';
import { comparableValues, type ComparableAddress, type ComparableValues, type Term } from './comparable-values.js';
import type { DuplicateCandidate } from './duplicate-candidate.js';
import { soundex } from './string-similarity.js';

/** Most keys of a candidate. The most reliable come first, so that many e-mail addresses do not displace the name. */
export const blockingKeysMax = 12;

/** Longest key in UTF-16 units: an index entry of PostgreSQL holds at most 2,704 bytes. */
const keyMaxLength = 100;

/**
 * Short texts of which two records of the same customer probably share at least one; only pairs that share a key are
 * compared. Each key consists of one rare field, or of two common ones, so that an error in any one field leaves other
 * keys. Names are included by their sound, which most typing errors and spellings preserve. Baxter, Christen and
 * Churches, "A comparison of fast blocking methods for record linkage" (2003).
 *
 * At most `blockingKeysMax`, distinct and not empty. They depend only on the candidate and the code, so they can be
 * stored and indexed; after a change of the code they must be stored again. A key can still be common ("John Smith" in
 * a large tenant): a query takes a limited number of hits for each.
 */
export function blockingKeys(candidate: DuplicateCandidate): string[] {
  return blockingKeysOf(comparableValues(candidate));
}

/** `blockingKeys` of a parsed candidate. */
export function blockingKeysOf(values: ComparableValues): string[] {
  const keys = values.kind === 'PERSON' ? personKeys(values) : companyKeys(values);
  const kind = values.kind === 'PERSON' ? 'p' : 'c';
  return [...new Set(keys.map((key) => start(`${kind}${key}`, keyMaxLength)))].slice(0, blockingKeysMax);
}

/** The start of a text without a split surrogate pair, which PostgreSQL refuses. */
function start(text: string, length: number): string {
  return firstCodePoints(text.slice(0, 2 * length), length).toWellFormed();
}

function personKeys({ givenName, familyName, birthDate, ...values }: ComparableValues): string[] {
  const sounds = [givenName, familyName].flatMap((name) => (name ? [soundOf(name)] : []));
  const [email] = values.emails;
  const [address] = values.addresses;
  return [
    ...values.identifiers.slice(0, 1).map(({ key }) => `i:${key}`),
    ...values.emails.slice(0, 1).map(({ key }) => `e:${key}`),
    ...values.phones.slice(0, 1).map(({ key }) => `t:${key}`),
    // In alphabetical order, so that swapped names share a key.
    ...(sounds.length === 2 ? [`n:${sounds.toSorted().join('+')}`] : []),
    ...(birthDate ? [`b:${birthDate.key}`] : []),
    ...(birthDate ? sounds.map((sound) => `y:${sound}+${birthDate.key.slice(0, 4)}`) : []),
    ...sounds.flatMap((sound) => placeKeys(sound, address)),
    ...streetKeys(address),
    ...(email ? [`l:${email.local}`, `m:${start(email.local, 1)}+${soundex(email.domain)}`] : []),
    ...values.emails.slice(1).map(({ key }) => `e:${key}`),
    ...values.phones.slice(1).map(({ key }) => `t:${key}`),
    ...values.identifiers.slice(1).map(({ key }) => `i:${key}`),
  ];
}

function companyKeys({ companyName, ...values }: ComparableValues): string[] {
  const words = companyName?.key.split(' ') ?? [];
  const sounds = tellingSounds(words);
  const [address] = values.addresses;
  const initials = words.length > 2 ? words.map((word) => start(word, 1)).join('') : words.join('');
  return [
    ...values.identifiers.slice(0, 2).map(({ key }) => `i:${key}`),
    ...values.domains.slice(0, 2).map(({ key }) => `d:${key}`),
    ...values.phones.slice(0, 2).map(({ key }) => `t:${key}`),
    ...(sounds.length > 0 ? [`n:${sounds.join('+')}`] : []),
    ...(companyName ? [`w:${start(companyName.key.replaceAll(' ', ''), 8)}`] : []),
    ...houseKeys(address),
    // The extensions of one switchboard share a key.
    ...values.phones.slice(0, 1).flatMap(({ key }) => (key.length < 7 ? [] : [`u:${key.slice(0, -2)}`])),
    ...sounds.slice(0, 3).flatMap((sound) => placeKeys(sound, address)),
    ...(initials.length > 1 && initials.length < 7 ? [`a:${initials}`] : []),
    ...values.emails.slice(0, 1).map(({ key }) => `e:${key}`),
  ];
}

/**
 * The sound codes of the distinctive words in a company name, in alphabetical order. Word order does not matter: "University of Oslo"
 * and "Oslo University" share a key.
 */
function tellingSounds(words: readonly string[]): string[] {
  const telling = words.filter((word) => word.length > 2 && !commonWords.has(word));
  return [...new Set((telling.length > 0 ? telling : words).map((key) => soundOf({ key })))].sort();
}

/** Words that are so frequent in company names, and so often abbreviated, that they do not identify a company. */
const commonWords = new Set(
  (
    'and the of for de la und et international intl services service svcs svc group holding holdings solutions systems ' +
    'manufacturing mfg associates assoc technologies technology tech center centre ctr national natl brothers bros sons ' +
    'saint head office branch department dept division'
  ).split(' '),
);

/** A name and its location: the postal code, or else the city by its sound. */
function placeKeys(sound: string, address: ComparableAddress | undefined): string[] {
  if (address?.postalCode) return [`z:${sound}+${address.postalCode.key}`];
  return address?.city ? [`c:${sound}+${soundOf(address.city)}`] : [];
}

function streetKeys(address: ComparableAddress | undefined): string[] {
  const street = address?.street;
  return street === undefined || street.houseNumber === '' ? [] : [`s:${street.houseNumber}+${street.key}`];
}

/** The house number and the sound of the street, without the kind of street. */
function houseKeys(address: ComparableAddress | undefined): string[] {
  const street = address?.street;
  if (street === undefined || street.houseNumber === '') return [];
  return [`s:${start(street.houseNumber, 8)}+${soundOf({ key: street.stem })}`];
}

/** Soundex knows only the letters a to z; a name in another script is its own code. */
function soundOf({ key }: Pick<Term, 'key'>): string {
  return soundex(key) || key;
}
