import { SearchMatch } from '@rapport/contracts/rapport/customers/v1/search_service';

/** How well a title without capitals and accents matches, by what the contract says; undefined when it does not. */
export function matchOf(title: string, q: string): SearchMatch | undefined {
  const words = q.split(' ');
  const beginsWord = (word: string) => ` ${title}`.includes(` ${word}`);
  if (title === q) return SearchMatch.TITLE;
  if (words.every(beginsWord)) return SearchMatch.WORD_START;
  // What has fewer than three letters begins a word.
  const occurs = (word: string) => (word.length < 3 ? beginsWord(word) : title.includes(word));
  return words.every(occurs) ? SearchMatch.PART : undefined;
}
