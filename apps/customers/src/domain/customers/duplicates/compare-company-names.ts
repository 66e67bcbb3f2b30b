import type { Term } from './comparable-values.js';
import type { DuplicateEvidence } from './duplicate-candidate.js';
import { acronymByChance, byChance, dependentShare, sameCustomer, wordsOnBothSides } from './linkage-weights.js';
import { withinEdits } from './string-similarity.js';
import type { ShareOf } from './term-frequencies.js';

const same = sameCustomer.companyName;
const different = { level: 'DIFFERENT', weight: Math.log2(same.DIFFERENT) } as const;

/** Minimum share of common words, weighted by rarity, for a partial match. */
const partialFrom = 0.4;

type NameEvidence = Pick<DuplicateEvidence, 'level' | 'weight'>;

/**
 * The evidence of two names. EXACT: the same letters. SIMILAR: the same words in another order, mistyped or
 * abbreviated. PARTIAL: common words that make up most of both names, or the initials. A word weighs as much as it is
 * rare: two companies in one town often share the town's name.
 */
export function companyNameEvidence(
  left: Term | undefined,
  right: Term | undefined,
  shareOf: ShareOf,
): DuplicateEvidence[] {
  if (!left || !right) return [];
  // Words are matched from left to right, which can depend on the order of the names.
  const [one, other] = left.key < right.key ? [left.key, right.key] : [right.key, left.key];
  const { level, weight } = compareNames(one, other, shareOf);
  return [{ field: 'companyName', level, weight, left: left.text, right: right.text }];
}

function compareNames(left: string, right: string, shareOf: ShareOf): NameEvidence {
  const [leftShare, rightShare] = [shareOf('companyName', left), shareOf('companyName', right)];
  if (joined(left) === joined(right)) {
    return { level: 'EXACT', weight: bits(same.EXACT, Math.max(leftShare, rightShare)) };
  }
  const [leftWords, rightWords] = [left.split(' '), right.split(' ')];
  const words = matchWords(leftWords, rightWords, shareOf);
  const areNumbersAlike = numbersOf(left) === numbersOf(right);
  if (words.areAllMatched || (areNumbersAlike && areMistyped(joined(left), joined(right)))) {
    const chance = leftShare + rightShare + (byChance.companyName.SIMILAR ?? 0);
    return { level: 'SIMILAR', weight: bits(same.SIMILAR, chance) };
  }
  if (!areNumbersAlike) return different;
  if (isAcronymOf(left, rightWords) || isAcronymOf(right, leftWords)) {
    return { level: 'PARTIAL', weight: bits(same.PARTIAL, acronymByChance) };
  }
  return ofCommonWords(words);
}

function ofCommonWords({ commonBits, strongestBits, apartBits, isContained }: MatchedWords): NameEvidence {
  if (commonBits === 0) return different;
  const overlap = commonBits / (commonBits + apartBits);
  const often = same.PARTIAL * overlap * (isContained ? 1 : wordsOnBothSides);
  // Words occur together: names with "community" often have "college".
  const sharedBits = strongestBits + dependentShare * (commonBits - strongestBits);
  const chance = 2 ** -sharedBits + (byChance.companyName.PARTIAL ?? 0);
  const weight = Math.max(different.weight, Math.log2(often / Math.min(1, chance)));
  return overlap >= partialFrom ? { level: 'PARTIAL', weight } : { level: 'DIFFERENT', weight: Math.min(0, weight) };
}

function bits(often: number, chance: number): number {
  return Math.max(0, Math.log2(often / chance));
}

function joined(name: string): string {
  return name.replaceAll(' ', '');
}

function areMistyped(left: string, right: string): boolean {
  const [shorter, longer] = [Math.min(left.length, right.length), Math.max(left.length, right.length)];
  return shorter >= 5 && withinEdits(left, right, longer >= 10 ? 2 : 1);
}

interface MatchedWords {
  /** Of all common words, and of the rarest of them. */
  commonBits: number;
  strongestBits: number;
  /** Of the words that only one of the names has. */
  apartBits: number;
  areAllMatched: boolean;
  /** Whether the extra words are all in one of the names. */
  isContained: boolean;
}

/** Matches equal words first, so that none of them counts as another word's abbreviation. */
function matchWords(lefts: readonly string[], rights: readonly string[], shareOf: ShareOf): MatchedWords {
  const known = new Map([...lefts, ...rights].map((word) => [word, -Math.log2(shareOf('companyWord', word))]));
  const bitsOf = (word: string) => known.get(word) ?? 0;
  const [leftOver, rightOver] = [[...lefts], [...rights]];
  const common: number[] = [];
  for (const areSame of [(left: string, right: string) => left === right, areWordsAlike]) {
    for (const left of [...leftOver]) {
      const at = rightOver.findIndex((right) => areSame(left, right));
      const right = rightOver[at];
      if (right === undefined) continue;
      common.push(Math.min(bitsOf(left), bitsOf(right)));
      leftOver.splice(leftOver.indexOf(left), 1);
      rightOver.splice(at, 1);
    }
  }
  const sum = (all: number[]) => all.reduce((total, each) => total + each, 0);
  return {
    commonBits: sum(common),
    strongestBits: Math.max(0, ...common),
    apartBits: sum([...leftOver, ...rightOver].map(bitsOf)),
    areAllMatched: leftOver.length === 0 && rightOver.length === 0,
    isContained: leftOver.length === 0 || rightOver.length === 0,
  };
}

/** One typing error apart, or an abbreviation: "Intl" of "International", "Univ" of "University". */
function areWordsAlike(left: string, right: string): boolean {
  const [short, long] = left.length < right.length ? [left, right] : [right, left];
  if (/\d/.test(left + right)) return false;
  if (short.length >= 4 && withinEdits(short, long, long.length >= 8 ? 2 : 1)) return true;
  if (short.length >= 3 && long.startsWith(short)) return true;
  const haveSameEnds = long.startsWith(short.charAt(0)) && long.endsWith(short.charAt(short.length - 1));
  return short.length >= 2 && short.length < long.length && haveSameEnds && isWithin(short, long);
}

/** Whether all letters of the short text occur in the long one, in order. */
function isWithin(short: string, long: string): boolean {
  let next = 0;
  for (const letter of long) if (letter === short.charAt(next)) next += 1;
  return next === short.length;
}

/** "ibm" of "international business machines". */
function isAcronymOf(name: string, words: readonly string[]): boolean {
  return words.length >= 3 && words.map((word) => word.charAt(0)).join('') === name;
}

/** "Unit 3" and "Unit 4", or "Paris I" and "Paris II", are two companies, however similar the names are. */
function numbersOf(text: string): string {
  return (text.match(/\d+|\b[ivx]+\b/g) ?? []).join(' ');
}
