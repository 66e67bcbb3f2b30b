/** Words with at least this similarity count as spellings of one word. */
const minWordSimilarity = 0.88;

/** Maximum number of words that are compared. */
const maxWords = 6;

/** The words of a name, without accents, case and punctuation. */
export function nameWords(name: string): string[] {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  return (plain.match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, maxWords);
}

/** Whether two names can be of one person or company: each word of the shorter name is in the longer one, in any order. */
export function areNamesAlike(one: readonly string[], other: readonly string[]): boolean {
  const [shorter, longer] = one.length <= other.length ? [one, other] : [other, one];
  const left = [...longer];
  return (
    shorter.length > 0 &&
    shorter.every((word) => {
      const exact = left.indexOf(word);
      const place = exact >= 0 ? exact : left.findIndex((candidate) => areWordsAlike(word, candidate));
      if (place >= 0) left.splice(place, 1);
      return place >= 0;
    })
  );
}

/** Whether two words are spellings of one, or one is the initial of the other. Numbers must be equal. */
export function areWordsAlike(one: string, other: string): boolean {
  if (one === other) return true;
  if (/\p{N}/u.test(one + other)) return false;
  if (one.length === 1 || other.length === 1) return one.startsWith(other) || other.startsWith(one);
  return wordSimilarity(one, other) >= minWordSimilarity;
}

/** Jaro–Winkler: W. E. Winkler, "String comparator metrics" (1990). From 0 to 1. */
export function wordSimilarity(one: string, other: string): number {
  const reach = Math.max(0, Math.floor(Math.max(one.length, other.length) / 2) - 1);
  const taken = new Set<number>();
  const ofOne = [...one].filter((letter, place) => {
    for (let at = Math.max(0, place - reach); at <= Math.min(other.length - 1, place + reach); at += 1) {
      if (taken.has(at) || other[at] !== letter) continue;
      taken.add(at);
      return true;
    }
    return false;
  });
  if (ofOne.length === 0) return 0;
  const ofOther = [...taken].sort((a, b) => a - b).map((at) => other[at]);
  const swapped = ofOne.filter((letter, place) => letter !== ofOther[place]).length / 2;
  const matches = ofOne.length;
  const jaro = (matches / one.length + matches / other.length + (matches - swapped) / matches) / 3;
  const firstDifference = [...one].findIndex((letter, place) => letter !== other[place]);
  const prefix = Math.min(4, firstDifference < 0 ? one.length : firstDifference);
  return jaro + prefix * 0.1 * (1 - jaro);
}

const soundGroups: Readonly<Record<string, string>> = {
  ...{ b: '1', f: '1', p: '1', v: '1', c: '2', g: '2', j: '2', k: '2', q: '2', s: '2', x: '2', z: '2' },
  ...{ d: '3', t: '3', l: '4', m: '5', n: '5', r: '6' },
};

/**
 * The Soundex code of a word, which most typing errors and spelling variants leave unchanged. A word with characters other than a to z
 * is returned as is.
 */
export function soundOf(word: string): string {
  if (!/^[a-z]+$/.test(word)) return word;
  let code = word[0] ?? '';
  let last = soundGroups[code] ?? '';
  for (const letter of word.slice(1)) {
    const group = soundGroups[letter] ?? '';
    if (group !== '' && group !== last) code += group;
    // Adjacent letters of one group count once, even with h or w between them.
    if (letter !== 'h' && letter !== 'w') last = group;
  }
  return code.slice(0, 4);
}
