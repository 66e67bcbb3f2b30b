import type { NamedField, RecordField } from '@rapport/contracts';
import { comparedTerm, fold, relatedText, storedTerms } from '@rapport/contracts/filters';
import type { RecordRef } from '@rapport/contracts/rapport/api/v1/records';
import { currentSeal } from '../sealing/seal.js';
import { onceFor } from '../values/once-for.js';
import type { RecordMessage } from './record-definition.js';
import type { RecordType } from './record-type.js';

/** The entries of the column terms by which a search finds a record with this field value. */
export function term(type: RecordType, field: string, value: string): string {
  const { index } = termField(type, field);
  const seal = currentSeal();
  const text = comparedTerm({ index }, value);
  return `${index.term}:${seal && type.isPersonal(field) ? seal.blind(field, text) : text}`;
}

/** Search terms that match records with the value, encrypted or not, while an encryption is in progress. */
export function findableTerms(type: RecordType, field: string, value: string): string[] {
  const { index } = termField(type, field);
  const terms = [term(type, field, value)];
  if (currentSeal()?.isComplete === false) terms.push(`${index.term}:${comparedTerm({ index }, value)}`);
  return [...new Set(terms)];
}

/** The distinct terms of a normalized record's own fields. */
export function recordTerms<Message extends RecordMessage>(type: RecordType<Message>, record: Message): string[] {
  const terms = textsOfFields(type).flatMap(({ name, textsOf }) =>
    textsOf(record as unknown as Values).map((text) => term(type, name, text)),
  );
  // Encrypted text supports neither partial nor fuzzy matches.
  const words = currentSeal() ? [] : (type.definition.typoWords?.(record) ?? []);
  return [...new Set([...terms, ...words.flatMap(typoTerms)])];
}

type Values = Record<string, unknown>;

const termFields = (type: RecordType) => type.namedFields.filter(({ field }) => field.index.term !== '');

const termFieldsByName = onceFor(
  (type: RecordType) => new Map(termFields(type).map(({ name, field }) => [name, field])),
);

function termField(type: RecordType, name: string): RecordField {
  const field = termFieldsByName(type).get(name);
  if (!field) throw new Error(`${type.plural} have no terms of ${name}.`);
  return field;
}

/** The functions that read the texts of each field from a record. */
const textsOfFields = onceFor((type: RecordType) =>
  termFields(type).map(({ name, field, list }) => {
    const read = textsIn({ name, field, list });
    return { name, textsOf: (record: Values) => read(record).flatMap((text) => storedTerms(field, text)) };
  }),
);

function textsIn({ field, list }: NamedField): (record: Values) => readonly string[] {
  const texts = textsOfValue(field);
  if (!list) return (record) => texts(record[field.name]);
  return (record) => (record[list.name] as Values[]).flatMap((item) => texts(item[field.name]));
}

function textsOfValue({ desc, relatedTypes }: RecordField): (value: unknown) => readonly string[] {
  if (relatedTypes) return (value) => (value as RecordRef[]).map(({ type, id }) => relatedText(type, id));
  if (desc.fieldKind === 'list') return (value) => value as string[];
  const names = new Map(desc.enum?.values.map(({ number, localName }) => [number, localName]));
  if (desc.enum) return (value) => (value === 0 ? [] : [names.get(value as number) ?? '']);
  return (value) => {
    if (value === undefined || value === '') return [];
    return [typeof value === 'boolean' ? String(value) : (value as string)];
  };
}

/** Most letters of a word that are compared in a fuzzy search. */
export const typoLetters = 12;

/**
 * Terms for a word and for the word without any one letter. Two words that differ by one substituted, missing, extra or
 * transposed letter share one of them; so do some that differ by two, such as Jonsson and Johnson. Source: W. Garbe,
 * symmetric delete spelling correction (SymSpell), 2012.
 *
 * @param word folded
 */
export function typoTerms(word: string): string[] {
  const letters = Array.from(word).slice(0, typoLetters);
  const terms = new Set([`q:${letters.join('')}`]);
  let before = 'q:';
  for (const [index, letter] of letters.entries()) {
    terms.add(before + letters.slice(index + 1).join(''));
    before += letter;
  }
  return [...terms];
}

/** Limits of fuzzy matching: letters of a word, and words of a text. */
const typoLimits = { shortest: 5, words: 6 };

/** The distinct, folded words of texts that a fuzzy search finds. */
export function typoWords(texts: readonly string[]): string[] {
  const words = fold(texts.join(' ')).split(/[^\p{L}]+/u);
  return [...new Set(words.filter((word) => Array.from(word).length >= typoLimits.shortest))].slice(
    0,
    typoLimits.words,
  );
}
