import { SearchMatch } from '@rapport/contracts/rapport/customers/v1/search_service';

/** The rank of a folded title by the contract's rules; undefined without a match. */
export function matchOf(title: string, q: string): SearchMatch | undefined {
  const words = q.split(' ');
  const beginsWord = (word: string) => ` ${title}`.includes(` ${word}`);
  if (title === q) return SearchMatch.TITLE;
  if (words.every(beginsWord)) return SearchMatch.WORD_START;
  // A word of fewer than three letters matches the start of a word.
  const occurs = (word: string) => (word.length < 3 ? beginsWord(word) : title.includes(word));
  return words.every(occurs) ? SearchMatch.PART : undefined;
}
