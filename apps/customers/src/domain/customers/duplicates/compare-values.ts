import type { EmailTerm, StreetTerm, Term } from './comparable-values.js';
import type { EvidenceLevel } from './duplicate-candidate.js';
import { jaroWinkler, soundex, withinEdits } from './string-similarity.js';

/** A level between two single values. SWAPPED is a level of two names together. */
export type ComparisonLevel = Exclude<EvidenceLevel, 'SWAPPED'>;

/** Given or family names: SIMILAR for one typing error or a short form, PARTIAL for an initial. */
export function nameLevel({ key: left }: Term, { key: right }: Term): ComparisonLevel {
  if (left === right) return 'EXACT';
  const [short, long] = left.length < right.length ? [left, right] : [right, left];
  if (short.length === 1) return long.startsWith(short) ? 'PARTIAL' : 'DIFFERENT';
  if (short.length >= 3 && long.startsWith(short)) return 'SIMILAR';
  const similarity = jaroWinkler(left, right);
  if (similarity >= 0.88 || withinEdits(left, right, long.length >= 8 ? 2 : 1)) return 'SIMILAR';
  const sound = soundex(left);
  return similarity >= 0.7 && sound !== '' && sound === soundex(right) ? 'SIMILAR' : 'DIFFERENT';
}

/**
 * Dates: SIMILAR for one wrong digit, two transposed digits, swapped day and month, or less than a month apart; PARTIAL
 * for two of three equal parts, or less than a year apart.
 */
export function birthDateLevel({ key: left }: Term, { key: right }: Term): ComparisonLevel {
  if (left === right) return 'EXACT';
  if (withinEdits(left, right, 1)) return 'SIMILAR';
  if (left.length !== 8 || right.length !== 8) return 'DIFFERENT';
  const [leftParts, rightParts] = [dateParts(left), dateParts(right)];
  const [year, month, day] = leftParts;
  if (year === rightParts[0] && month === rightParts[2] && day === rightParts[1]) return 'SIMILAR';
  const daysApart = Math.abs(dayNumber(leftParts) - dayNumber(rightParts));
  if (daysApart <= 31) return 'SIMILAR';
  const alike = leftParts.filter((part, index) => part === rightParts[index]).length;
  return alike === 2 || daysApart <= 366 ? 'PARTIAL' : 'DIFFERENT';
}

function dateParts(date: string): [year: string, month: string, day: string] {
  return [date.slice(0, 4), date.slice(4, 6), date.slice(6)];
}

/** Days since 1970, of invalid dates too: February 31 is in March. */
function dayNumber([year, month, day]: [year: string, month: string, day: string]): number {
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / 86_400_000;
}

/**
 * E-mail addresses: SIMILAR requires similarity of both parts, because colleagues share the domain; an equal part
 * before the @ is PARTIAL.
 */
export function emailLevel(left: EmailTerm, right: EmailTerm): ComparisonLevel {
  if (left.key === right.key) return 'EXACT';
  if (alike(left.domain, right.domain) && alike(left.local, right.local)) return 'SIMILAR';
  return left.local === right.local && left.local !== '' ? 'PARTIAL' : 'DIFFERENT';
}

function alike(left: string, right: string): boolean {
  return jaroWinkler(left, right) >= 0.88 || (Math.min(left.length, right.length) >= 4 && withinEdits(left, right, 1));
}

/** Streets: SIMILAR for a typing error in the name, PARTIAL for another house number. */
export function streetLevel(left: StreetTerm, right: StreetTerm): ComparisonLevel {
  const lacksType = left.stem === left.key || right.stem === right.key;
  const sameName = left.key === right.key || (lacksType && left.stem === right.stem);
  const similarName = sameName || jaroWinkler(left.key, right.key) >= 0.9 || withinEdits(left.key, right.key, 2);
  if (!similarName) return 'DIFFERENT';
  if (left.houseNumber === right.houseNumber) return sameName ? 'EXACT' : 'SIMILAR';
  return left.houseNumber === '' || right.houseNumber === '' ? 'SIMILAR' : 'PARTIAL';
}

/** E-mail addresses of companies, which share the domain and often have "info" before the @. */
export function companyEmailLevel(left: EmailTerm, right: EmailTerm): ComparisonLevel {
  if (left.key === right.key) return 'EXACT';
  return left.domain === right.domain ? 'PARTIAL' : 'DIFFERENT';
}

/** Phone numbers of companies: PARTIAL for another number in the same block of a hundred. */
export function companyPhoneLevel(left: Term, right: Term): ComparisonLevel {
  const level = codeLevel(left, right);
  if (level !== 'DIFFERENT' || left.key.length < 7) return level;
  return left.key.slice(0, -2) === right.key.slice(0, -2) ? 'PARTIAL' : 'DIFFERENT';
}

/**
 * City and state: SIMILAR for nearly the same letters, or one typing error. Codes such as "NSW" match exactly or not at
 * all.
 */
export function placeLevel({ key: left }: Term, { key: right }: Term): ComparisonLevel {
  if (left === right) return 'EXACT';
  if (Math.min(left.length, right.length) < 4) return 'DIFFERENT';
  return jaroWinkler(left, right) >= 0.88 || withinEdits(left, right, 1) ? 'SIMILAR' : 'DIFFERENT';
}

/** Codes and numbers, such as a postal code or a phone number: SIMILAR for one typing error. */
export function codeLevel({ key: left }: Term, { key: right }: Term): ComparisonLevel {
  if (left === right) return 'EXACT';
  return Math.min(left.length, right.length) >= 4 && withinEdits(left, right, 1) ? 'SIMILAR' : 'DIFFERENT';
}

/**
 * Values that match exactly or not at all: country codes, and domains, which for two companies often differ in one
 * letter.
 */
export function wholeLevel({ key: left }: Term, { key: right }: Term): ComparisonLevel {
  return left === right ? 'EXACT' : 'DIFFERENT';
}
