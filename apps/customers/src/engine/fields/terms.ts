import type { NamedField, RecordField } from '@rapport/contracts';
import { currentSeal } from '../sealing/seal.js';
import { onceFor } from '../values/once-for.js';
import { firstCodePoints, fold } from '../values/search-text.js';
import type { RecordMessage } from './record-definition.js';
import type { RecordType } from './record-type.js';

/** Longest term, in code points: an entry of a GIN index has at most 2,704 bytes. */
const maxTermLength = 300;

/** What a record is found by when its field has the value: the entries of the column terms. */
export function term(type: RecordType, field: string, value: string): string {
  const seal = currentSeal();
  const text = termText(type, field, value);
  return `${shortName(type, field)}:${seal && type.isPersonal(field) ? seal.blind(field, text) : text}`;
}

/** The terms by which records are found that have the value, also while some are not sealed yet. */
export function findableTerms(type: RecordType, field: string, value: string): string[] {
  const terms = [term(type, field, value)];
  if (currentSeal()?.isComplete === false) terms.push(`${shortName(type, field)}:${termText(type, field, value)}`);
  return [...new Set(terms)];
}

/** The texts in a filter by which the value of a field is looked for. */
export function soughtTexts(type: RecordType, field: string, text: string): string[] {
  return type.definition.spellings?.[field]?.sought(text) ?? [text];
}

/** The terms of a normalised record's own fields, each once. */
export function recordTerms<Message extends RecordMessage>(type: RecordType<Message>, record: Message): string[] {
  const terms = textsOfFields(type).flatMap(({ name, textsOf }) =>
    textsOf(record as unknown as Values).map((text) => term(type, name, text)),
  );
  // A text that is sealed is not found by a part or something like it.
  const words = currentSeal() ? [] : (type.definition.slipWords?.(record) ?? []);
  return [...new Set([...terms, ...words.flatMap(slipTerms)])];
}

type Values = Record<string, unknown>;

const termFields = (type: RecordType) => type.namedFields.filter(({ field }) => field.index.term !== '');

/** The short name that a term has for each field. */
const shortNames = onceFor(
  (type: RecordType) => new Map(termFields(type).map(({ name, field }) => [name, field.index.term])),
);

function shortName(type: RecordType, field: string): string {
  const name = shortNames(type).get(field);
  if (name === undefined) throw new Error(`${type.plural} have no terms of ${field}.`);
  return name;
}

function termText(type: RecordType, field: string, value: string): string {
  const compared = type.definition.spellings?.[field]?.compared(value) ?? fold(value);
  return firstCodePoints(compared, maxTermLength);
}

/** How the texts of each field are read of a record. */
const textsOfFields = onceFor((type: RecordType) =>
  termFields(type).map(({ name, field, list }) => {
    const read = textsIn({ name, field, list });
    const spelling = type.definition.spellings?.[name];
    return {
      name,
      textsOf: spelling ? (record: Values) => read(record).flatMap((text) => spelling.stored(text)) : read,
    };
  }),
);

function textsIn({ field, list }: NamedField): (record: Values) => readonly string[] {
  const texts = textsOfValue(field);
  if (!list) return (record) => texts(record[field.name]);
  return (record) => (record[list.name] as Values[]).flatMap((item) => texts(item[field.name]));
}

function textsOfValue({ desc }: RecordField): (value: unknown) => readonly string[] {
  if (desc.fieldKind === 'list') return (value) => value as string[];
  const names = new Map(desc.enum?.values.map(({ number, localName }) => [number, localName]));
  if (desc.enum) return (value) => (value === 0 ? [] : [names.get(value as number) ?? '']);
  return (value) => (value === undefined || value === '' ? [] : [value as string]);
}

/** Letters of a word that count when it is compared with another that may have a slip in it. */
export const slipLetters = 12;

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

/** Letters of a text's word that is found with a slip in it, and words of a text. */
const slipLimits = { shortest: 5, words: 6 };

/** The words of texts of which slips are found: each once, folded. */
export function slipWords(texts: readonly string[]): string[] {
  const words = fold(texts.join(' ')).split(/[^\p{L}]+/u);
  return [...new Set(words.filter((word) => Array.from(word).length >= slipLimits.shortest))].slice(
    0,
    slipLimits.words,
  );
}
