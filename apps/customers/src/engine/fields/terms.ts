import type { NamedField, RecordField } from '@rapport/contracts';
import { comparedTerm, fold, storedTerms } from '@rapport/contracts/filters';
import { currentSeal } from '../sealing/seal.js';
import { onceFor } from '../values/once-for.js';
import type { RecordMessage } from './record-definition.js';
import type { RecordType } from './record-type.js';

/** What a record is found by when its field has the value: the entries of the column terms. */
export function term(type: RecordType, field: string, value: string): string {
  const { index } = termField(type, field);
  const seal = currentSeal();
  const text = comparedTerm({ index }, value);
  return `${index.term}:${seal && type.isPersonal(field) ? seal.blind(field, text) : text}`;
}

/** The terms by which records are found that have the value, also while some are not sealed yet. */
export function findableTerms(type: RecordType, field: string, value: string): string[] {
  const { index } = termField(type, field);
  const terms = [term(type, field, value)];
  if (currentSeal()?.isComplete === false) terms.push(`${index.term}:${comparedTerm({ index }, value)}`);
  return [...new Set(terms)];
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

const termFieldsByName = onceFor(
  (type: RecordType) => new Map(termFields(type).map(({ name, field }) => [name, field])),
);

function termField(type: RecordType, name: string): RecordField {
  const field = termFieldsByName(type).get(name);
  if (!field) throw new Error(`${type.plural} have no terms of ${name}.`);
  return field;
}

/** How the texts of each field are read of a record. */
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
