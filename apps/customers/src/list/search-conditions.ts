import { invalidArgument } from '@rapport/platform';
import { slipTerms } from '../customer-terms.js';
import { indexed, type Condition } from '../filter/condition.js';
import { soughtDigits } from '../phone-numbers.js';
import { fold } from '../search-text.js';

/** Letters of a word that may be found with a slip in it. */
const similarWordLength = 4;

/**
 * What `q` asks for: each of its words must occur, a phone number in any grouping. A word is found anywhere, one without
 * three letters or digits in a row only at the start of a word, and one of four letters and more also when a name is
 * like it (slipTerms). Signs without letters and digits are passed over.
 *
 * @throws AppError INVALID_ARGUMENT QUERY_NOT_INDEXED when there are only such signs
 */
export function searchConditions(q: string): Condition[] {
  const words = q.split(/\s+/).filter((word) => word !== '');
  const folded = words.map(fold).filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (words.length > 0 && folded.length === 0) {
    const description = 'must have a letter or a digit';
    throw invalidArgument([{ field: 'q', reason: 'QUERY_NOT_INDEXED', description }]);
  }
  return folded.map(wordCondition);
}

function wordCondition(word: string): Condition {
  const isNumber = /^[+(]?[\d().\-/]+$/.test(word) && /\d/.test(word);
  const texts = [word, ...(isNumber ? soughtDigits(word) : [])];
  const patterns = [...new Set(texts)].flatMap(likePatterns);
  const similar = new RegExp(`^\\p{L}{${similarWordLength},}$`, 'u').test(word) ? slipTerms(word) : [];
  const parts = [
    ...patterns.map(() => 'customer.search_text like ?'),
    ...(similar.length > 0 ? [`customer.terms && array[${similar.map(() => '?').join(', ')}]::text[]`] : []),
  ];
  return indexed(parts.join(' or '), [...patterns, ...similar]);
}

/** The trigram index knows three letters or digits in a row, and with which one or two a word begins. */
function likePatterns(text: string): string[] {
  const literal = text.replace(/[\\%_]/g, '\\$&');
  return /[\p{L}\p{N}]{3}/u.test(text) ? [`%${literal}%`] : [`${literal}%`, `% ${literal}%`, `%-${literal}%`];
}
