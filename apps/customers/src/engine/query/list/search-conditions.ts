import { arrayLiteral } from '@rapport/persistence';
import { invalidArgument, type AppError } from '@rapport/platform';
import { fold, soughtDigits } from '@rapport/contracts/filters';
import type { RecordType } from '../../fields/record-type.js';
import { typoLetters, typoTerms } from '../../fields/terms.js';
import { indexed, joined, type Condition } from '../filter/condition.js';

/** Most words of a search: each of them is a condition for each type of records. */
const maxWords = 40;

/** Lengths of words that match despite a typing error. */
const similarWordLength = 4;

/**
 * Conditions of the search text `q`: each of its words must occur, a phone number in any grouping. A word matches
 * anywhere; a word without three consecutive letters or digits only at the start of a word; a word of four letters and
 * more also matches a similar name (typoTerms). Punctuation is ignored.
 *
 * @throws AppError INVALID_ARGUMENT QUERY_NOT_INDEXED when it has only punctuation, or the type has no searchable text, and TOO_LONG
 *   when it has too many words
 */
export function searchConditions(type: RecordType, q: string): Condition[] {
  const words = searchWords(q);
  if (words.length === 0 && q.trim() !== '') throw signsOnly();
  if (words.length > 0 && !type.derived.searchText) throw notIndexed(`must be empty for ${type.plural}`);
  return words.map((word) => wordCondition(type, word));
}

/**
 * The condition that each word of `q` is a prefix of a word: at the start of the text, or after a space or hyphen. It
 * implies `searchConditions`.
 */
export function wordStartConditions({ table }: RecordType, q: string): Condition[] {
  return searchWords(q).map((word) => {
    const patterns = searchTexts(word).flatMap(startPatterns);
    return indexed(`${table}.search_text like any (?::text[])`, [arrayLiteral(patterns)]);
  });
}

/** The folded words of `q`, each once. @throws AppError INVALID_ARGUMENT TOO_LONG when there are too many */
export function searchWords(q: string): string[] {
  const folded = q.split(/\s+/).map(fold);
  const words = new Set(folded.filter((word) => /[\p{L}\p{N}]/u.test(word)));
  if (words.size <= maxWords) return [...words];
  const description = `must have at most ${maxWords} different words`;
  throw invalidArgument([{ field: 'q', reason: 'TOO_LONG', description }]);
}

/** The texts that a word of `q` matches: itself, and a phone number in stored form. */
export function searchTexts(word: string): string[] {
  const isNumber = /^[+(]?[\d().\-/]+$/.test(word) && /\d/.test(word);
  return [...new Set([word, ...(isNumber ? soughtDigits(word) : [])])];
}

/** INVALID_ARGUMENT for a `q` without a letter or digit. */
export function signsOnly(): AppError {
  return notIndexed('must have a letter or a digit');
}

function notIndexed(description: string): AppError {
  return invalidArgument([{ field: 'q', reason: 'QUERY_NOT_INDEXED', description }]);
}

function wordCondition({ table, definition }: RecordType, word: string): Condition {
  const patterns = searchTexts(word).flatMap(likePatterns);
  const isWord = new RegExp(`^\\p{L}{${similarWordLength},}$`, 'u').test(word);
  const similar = isWord && definition.typoWords ? typoTerms(word) : [];
  const like = { sql: `${table}.search_text like any (?::text[])`, params: [arrayLiteral(patterns)] };
  if (similar.length === 0) return { ...indexed(like.sql, like.params), shape: 'text' };
  const typo = { sql: `${table}.terms && ?::text[]`, params: [arrayLiteral(similar)] };
  const mayBeTypo = { ...like, params: [arrayLiteral(partsOf(word).map((part) => `%${part}%`))] };
  return {
    row: joined([like, joined([mayBeTypo, typo], 'and')], 'or'),
    index: joined([like, typo], 'or'),
    shape: 'word',
  };
}

/** The trigram index contains three consecutive letters or digits, and the first one or two of each word. */
function likePatterns(text: string): string[] {
  return /[\p{L}\p{N}]{3}/u.test(text) ? [`%${literalOf(text)}%`] : startPatterns(text);
}

function startPatterns(text: string): string[] {
  const literal = literalOf(text);
  return [`${literal}%`, `% ${literal}%`, `%-${literal}%`];
}

function literalOf(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

/**
 * Three parts of a word. The text of a record with a similar name contains one of them: one missing or extra letter
 * breaks at most one part. Searching for them takes a tenth of the time of comparing a row's terms, and excludes most
 * rows from that comparison.
 */
export function partsOf(word: string): string[] {
  const letters = Array.from(word).slice(0, typoLetters);
  const cuts = [0, 1 / 3, 2 / 3, 1].map((part) => Math.floor(part * letters.length));
  return cuts.slice(1).map((end, index) => letters.slice(cuts[index], end).join(''));
}
