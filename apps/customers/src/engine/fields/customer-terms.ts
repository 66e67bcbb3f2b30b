import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomerKind, LifecycleStage } from '@rapport/contracts/rapport/customers/v1/customer';
import { currentSeal } from '../sealing/seal.js';
import { digits, phoneDigits } from '../values/phone-numbers.js';
import { firstCodePoints, fold } from '../values/search-text.js';
import { isPersonal } from './hidden-data.js';

/** The fields of which terms are made, and the short name that a term has for each. */
export const termFields = {
  kind: 'k',
  lifecycle_stage: 's',
  owner_id: 'o',
  owner_team_id: 'w',
  given_name: 'g',
  job_title: 'j',
  source: 'r',
  birth_date: 'b',
  phones: 'p',
  tags: 't',
  city: 'c',
  state: 'a',
  postal_code: 'z',
  country_code: 'n',
} as const;

export type TermField = keyof typeof termFields;

/** Longest term, in code points: an entry of a GIN index has at most 2,704 bytes. */
const maxTermLength = 300;

/** What a customer is found by when its field has the value: the entries of the column terms. */
export function term(field: TermField, value: string): string {
  const seal = currentSeal();
  const text = termText(field, value);
  return `${termFields[field]}:${seal && isPersonal(field) ? seal.blind(field, text) : text}`;
}

/** The terms by which customers are found that have the value, also while some are not sealed yet. */
export function findableTerms(field: TermField, value: string): string[] {
  const terms = [term(field, value)];
  if (currentSeal()?.isComplete === false) terms.push(`${termFields[field]}:${termText(field, value)}`);
  return [...new Set(terms)];
}

function termText(field: TermField, value: string): string {
  return firstCodePoints(field === 'phones' ? digits(value) : fold(value), maxTermLength);
}

/** The terms of a normalised customer's own fields, each once. */
export function customerTerms(customer: Customer): string[] {
  const { kind, lifecycleStage, addresses } = customer;
  const values: [TermField, (string | undefined)[]][] = [
    ['kind', [CustomerKind[kind]]],
    ['lifecycle_stage', lifecycleStage === LifecycleStage.UNSPECIFIED ? [] : [LifecycleStage[lifecycleStage]]],
    ['owner_id', [customer.ownerId]],
    ['owner_team_id', [customer.ownerTeamId]],
    ['given_name', [customer.givenName]],
    ['job_title', [customer.jobTitle]],
    ['source', [customer.source]],
    ['birth_date', [customer.birthDate]],
    ['phones', customer.phones.flatMap(({ number }) => phoneDigits(number))],
    ['tags', customer.tags],
    ['city', addresses.map(({ city }) => city)],
    ['state', addresses.map(({ state }) => state)],
    ['postal_code', addresses.map(({ postalCode }) => postalCode)],
    ['country_code', addresses.map(({ countryCode }) => countryCode)],
  ];
  const terms = values.flatMap(([field, texts]) =>
    texts.flatMap((text) => (text === undefined ? [] : [term(field, text)])),
  );
  // A name that is sealed is not found by a part or something like it.
  const slips = currentSeal() ? [] : nameWords(customer).flatMap(slipTerms);
  return [...new Set([...terms, ...slips])];
}

/** Letters of a name's word that is found with a slip in it, and words of a name. */
const slipLimits = { shortest: 5, words: 6 };

/** Letters of a word that count when it is compared with another that may have a slip in it. */
export const slipLetters = 12;

function nameWords({ displayName = '', givenName = '', familyName = '' }: Customer): string[] {
  const words = fold([displayName, givenName, familyName].join(' ')).split(/[^\p{L}]+/u);
  return [...new Set(words.filter((word) => Array.from(word).length >= slipLimits.shortest))].slice(
    0,
    slipLimits.words,
  );
}

/**
 * Terms for a word and for what is left of it without any one letter. Two words that differ by a letter that is wrong,
 * missing, too much, or has changed places with the next have one of them in common; so have some that differ by two, such
 * as Jonsson and Johnson. Source: W. Garbe, symmetric delete spelling correction (SymSpell), 2012.
 *
 * @param word folded
 */
export function slipTerms(word: string): string[] {
  const letters = Array.from(word).slice(0, slipLetters);
  const terms = new Set([`q:${letters.join('')}`]);
  let before = 'q:';
  for (const [index, letter] of letters.entries()) {
    terms.add(before + letters.slice(index + 1).join(''));
    before += letter;
  }
  return [...terms];
}
