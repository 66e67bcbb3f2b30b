/**
 * Letters that Unicode does not decompose, although people omit their strokes and ligatures when typing.
 */
const plainLetters: Readonly<Record<string, string>> = {
  ł: 'l',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ŧ: 't',
  ı: 'i',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
  // Written only at the end of a word, so it would not match the start of a longer word.
  ς: 'σ',
};

/** A B-tree entry holds at most 2,704 bytes, and one code point of the name can become eighteen when it is folded. */
const sortNameMaxCodePoints = 200;

/** The text without case, accents and compatibility forms: what search and order compare. */
export function fold(text: string): string {
  // Most texts need only lower case, and each customer has some thirty texts: this is six times as fast.
  if (isAscii(text)) return text.toLowerCase();
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{Mn}/gu, '')
    .replace(/[łøđðħŧıßæœþς]/g, (letter) => plainLetters[letter] ?? letter);
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}

/** The start of a text, without splitting a character. */
export function firstCodePoints(text: string, count: number): string {
  return text.length <= count ? text : Array.from(text).slice(0, count).join('');
}

/** Increment it when `searchText` changes: the texts of stored records are then computed again. */
export const searchTextVersion = 1;

/** The column search_text: texts of a record, folded. */
export function searchText(texts: readonly string[]): string {
  return texts
    .map(fold)
    .filter((part) => part !== '')
    .map((part) => part + lettersWithin(part))
    .join(' ');
}

/** Letters of scripts without spaces between words. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]+/gu;

/** Whether a text is one letter of these scripts, which may be a whole word. */
export function isUnspacedLetter(text: string): boolean {
  return Array.from(text).length === 1 && text.replace(unspaced, '') === '';
}

/**
 * The pairs of neighbouring letters of Chinese and Japanese texts, and the last letters, as words: a given name of one or two letters
 * stands within the whole name, and words of one or two letters are sought by their start.
 */
function lettersWithin(folded: string): string {
  const runs = folded.match(unspaced) ?? [];
  const words = runs.flatMap((run) => {
    const letters = Array.from(run);
    return letters.map((letter, index) => letter + (letters[index + 1] ?? ''));
  });
  return [...new Set(words)].map((word) => ` ${word}`).join('');
}

/**
 * The column by which a text is ordered: the folded text, compared byte by byte. A linguistic collation would change with
 * the version of the C library or ICU, and an index that was built under another version loses rows. This order never
 * changes, keeps "Émile" beside "emile", and its comparisons are the cheapest.
 */
export function sortName(text: string): string {
  return firstCodePoints(fold(text), sortNameMaxCodePoints);
}
