import type { RecordField } from '@rapport/contracts';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { currentSeal } from '../sealing/seal.js';
import { digits, phoneDigits } from '../values/phone-numbers.js';
import { firstCodePoints, fold } from '../values/search-text.js';
import { namedFields } from './named-fields.js';
import { isPersonal } from './hidden-data.js';

/** The fields of which terms are made, and the short name that a term has for each. */
const termFields = namedFields.filter(({ field }) => field.index.term !== '');
const shortNames: ReadonlyMap<string, string> = new Map(termFields.map(({ name, field }) => [name, field.index.term]));

/** Longest term, in code points: an entry of a GIN index has at most 2,704 bytes. */
const maxTermLength = 300;

/** What a customer is found by when its field has the value: the entries of the column terms. */
export function term(field: string, value: string): string {
  const seal = currentSeal();
  const text = termText(field, value);
  return `${shortName(field)}:${seal && isPersonal(field) ? seal.blind(field, text) : text}`;
}

/** The terms by which customers are found that have the value, also while some are not sealed yet. */
export function findableTerms(field: string, value: string): string[] {
  const terms = [term(field, value)];
  if (currentSeal()?.isComplete === false) terms.push(`${shortName(field)}:${termText(field, value)}`);
  return [...new Set(terms)];
}

function shortName(field: string): string {
  const name = shortNames.get(field);
  if (name === undefined) throw new Error(`Customers have no terms of ${field}.`);
  return name;
}

function termText(field: string, value: string): string {
  return firstCodePoints(field === 'phones' ? digits(value) : fold(value), maxTermLength);
}

/** The terms of a normalised customer's own fields, each once. */
export function customerTerms(customer: Customer): string[] {
  const terms = fieldTexts.flatMap(({ name, textsOf }) =>
    textsOf(customer as unknown as Message).map((text) => term(name, text)),
  );
  // A name that is sealed is not found by a part or something like it.
  const slips = currentSeal() ? [] : nameWords(customer).flatMap(slipTerms);
  return [...new Set([...terms, ...slips])];
}

type Message = Record<string, unknown>;

/** How the texts of each field are read of a message. */
const fieldTexts = termFields.map(({ name, field, list }) => {
  const texts = textsIn(field);
  const spell = name === 'phones' ? phoneDigits : (text: string) => [text];
  const textsOf = (message: Message) =>
    list ? (message[list.name] as Message[]).flatMap((item) => texts(item[field.name])) : texts(message[field.name]);
  return { name, textsOf: (message: Message) => textsOf(message).flatMap(spell) };
});

function textsIn({ desc }: RecordField): (value: unknown) => readonly string[] {
  if (desc.fieldKind === 'list') return (value) => value as string[];
  const names = new Map(desc.enum?.values.map(({ number, localName }) => [number, localName]));
  if (desc.enum) return (value) => (value === 0 ? [] : [names.get(value as number) ?? '']);
  return (value) => (value === undefined ? [] : [value as string]);
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
