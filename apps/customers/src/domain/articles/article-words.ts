/** The text search configurations of PostgreSQL 17 and 18 for languages, by the beginning of the locale. */
const configurations: Readonly<Record<string, string>> = {
  ...{ ar: 'arabic', ca: 'catalan', da: 'danish', de: 'german', el: 'greek', en: 'english', es: 'spanish' },
  ...{ eu: 'basque', fi: 'finnish', fr: 'french', ga: 'irish', hi: 'hindi', hu: 'hungarian', hy: 'armenian' },
  ...{ id: 'indonesian', it: 'italian', lt: 'lithuanian', nb: 'norwegian', ne: 'nepali', nl: 'dutch' },
  ...{ nn: 'norwegian', no: 'norwegian', pt: 'portuguese', ro: 'romanian', ru: 'russian', sr: 'serbian' },
  ...{ sv: 'swedish', ta: 'tamil', tr: 'turkish', yi: 'yiddish' },
};

/** Languages and their configurations, in one order. The words of all others are found as they are written. */
export const [languages, languageConfigurations] = [Object.keys(configurations), Object.values(configurations)];

/** The text search configuration of a locale. */
export function configurationOf(locale: string): string {
  return configurations[locale.split('-')[0] ?? ''] ?? 'simple';
}

/** Letters of scripts without spaces between words. Those of the first group are found by pairs, too. */
const letters = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}ー';
const run = new RegExp(`([${letters}]+)|[\\p{Script=Thai}\\p{Mn}]+`, 'gu');
const paired = new RegExp(`[${letters}]`, 'u');

/** Most code points of a text whose pairs are stored: a tsvector holds 1 MiB. */
const maxPaired = 20_000;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/** A text with spaces between its words, also in languages that are written without. */
export function segmented(text: string): string {
  return text.replaceAll(run, (found) => ` ${wordsOf(found).join(' ')} `);
}

/**
 * A text in which pairs of neighbouring letters are the words of Chinese and Japanese, with single letters at its end. Where a word ends
 * depends on the words around it, so that a word of a query is not always one of the text; its pairs are. Empty for other texts.
 */
export function pairs(text: string): string {
  if (!paired.test(text)) return '';
  const start = Array.from(text.slice(0, 2 * maxPaired)).slice(0, maxPaired);
  const single = new Set(start.filter((letter) => paired.test(letter)));
  return `${start.join('').replaceAll(run, (found) => ` ${pairsOf(found).join(' ')} `)} ${[...single].join(' ')}`;
}

/** What is sought, for `websearch_to_tsquery`: by words, and by the pairs of letters of `pairs`; null without such letters. */
export function soughtTexts(q: string): { words: string; pairs: string | null } {
  return { words: sought(q, wordsOf), pairs: paired.test(q) ? sought(q, pairsOf) : null };
}

function sought(q: string, split: (found: string) => string[]): string {
  const parts = q.split('"');
  const change = (part: string, isQuoted: boolean) =>
    part.replaceAll(run, (found, _paired: string | undefined, at: number) => {
      const words = split(found).join(' ');
      // All of an excluded text is excluded, and not its first word only.
      return !isQuoted && part[at - 1] === '-' ? `"${words}" ` : ` ${words} `;
    });
  return parts.map((part, index) => change(part, index % 2 === 1)).join('"');
}

function wordsOf(text: string): string[] {
  return [...segmenter.segment(text)].map(({ segment }) => segment);
}

function pairsOf(text: string): string[] {
  const all = Array.from(text);
  if (all.length === 1 || !paired.test(text)) return wordsOf(text);
  return all.slice(1).map((letter, index) => `${all[index]}${letter}`);
}
