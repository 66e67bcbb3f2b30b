import { arrayLiteral } from '@rapport/persistence';
import { invalidArgument, type AppError } from '@rapport/platform';
import { fold, soughtDigits } from '@rapport/contracts/filters';
import type { RecordType } from '../../fields/record-type.js';
import { slipLetters, slipTerms } from '../../fields/terms.js';
import { indexed, joined, type Condition } from '../filter/condition.js';

/** Letters of a word that may be found with a slip in it. */
const similarWordLength = 4;

/**
 * What `q` asks for: each of its words must occur, a phone number in any grouping. A word is found anywhere, one without
 * three letters or digits in a row only at the start of a word, and one of four letters and more also when a name is
 * like it (slipTerms). Signs without letters and digits are passed over.
 *
 * @throws AppError INVALID_ARGUMENT QUERY_NOT_INDEXED when there are only such signs, or the type has no text to search
 */
export function searchConditions(type: RecordType, q: string): Condition[] {
  const words = soughtWords(q);
  if (words.length === 0 && q.trim() !== '') throw signsOnly();
  if (words.length > 0 && !type.derived.searchText) throw notIndexed(`must be empty for ${type.plural}`);
  return words.map((word) => wordCondition(type, word));
}

/** That each word of `q` begins a word: at the start of the text, or behind a space or hyphen. Records that meet it meet `searchConditions`. */
export function wordStartConditions({ table }: RecordType, q: string): Condition[] {
  return soughtWords(q).map((word) => {
    const patterns = soughtTexts(word).flatMap(startPatterns);
    return indexed(`${table}.search_text like any (?::text[])`, [arrayLiteral(patterns)]);
  });
}

/** The words of `q` that are looked for, folded. */
export function soughtWords(q: string): string[] {
  const words = q.split(/\s+/).filter((word) => word !== '');
  return words.map(fold).filter((word) => /[\p{L}\p{N}]/u.test(word));
}

/** The texts that a word of `q` stands for: itself, and what a phone number may be kept as. */
export function soughtTexts(word: string): string[] {
  const isNumber = /^[+(]?[\d().\-/]+$/.test(word) && /\d/.test(word);
  return [...new Set([word, ...(isNumber ? soughtDigits(word) : [])])];
}

/** INVALID_ARGUMENT for a `q` that has neither a letter nor a digit. */
export function signsOnly(): AppError {
  return notIndexed('must have a letter or a digit');
}

function notIndexed(description: string): AppError {
  return invalidArgument([{ field: 'q', reason: 'QUERY_NOT_INDEXED', description }]);
}

function wordCondition({ table, definition }: RecordType, word: string): Condition {
  const patterns = soughtTexts(word).flatMap(likePatterns);
  const isWord = new RegExp(`^\\p{L}{${similarWordLength},}$`, 'u').test(word);
  const similar = isWord && definition.slipWords ? slipTerms(word) : [];
  const like = { sql: `${table}.search_text like any (?::text[])`, params: [arrayLiteral(patterns)] };
  if (similar.length === 0) return { ...indexed(like.sql, like.params), shape: 'text' };
  const slip = { sql: `${table}.terms && ?::text[]`, params: [arrayLiteral(similar)] };
  const mayBeSlip = { ...like, params: [arrayLiteral(partsOf(word).map((part) => `%${part}%`))] };
  return {
    row: joined([like, joined([mayBeSlip, slip], 'and')], 'or'),
    index: joined([like, slip], 'or'),
    shape: 'word',
  };
}

/** The trigram index knows three letters or digits in a row, and with which one or two a word begins. */
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
 * Three parts of a word, of which the text of a record has one if a name is like the word: a letter that is missing in the word
 * breaks one of them at most, and so does one that is too many. Looking for them takes a tenth of the time of comparing a row's terms,
 * which most rows are then spared.
 */
export function partsOf(word: string): string[] {
  const letters = Array.from(word).slice(0, slipLetters);
  const cuts = [0, 1 / 3, 2 / 3, 1].map((part) => Math.floor(part * letters.length));
  return cuts.slice(1).map((end, index) => letters.slice(cuts[index], end).join(''));
}
