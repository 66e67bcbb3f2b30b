import type { EmailTerm, StreetTerm, Term } from './comparable-values.js';
import type { EvidenceLevel } from './duplicate-candidate.js';
import { jaroWinkler, soundex, withinEdits } from './string-similarity.js';

/** A level between two single values. Names can also be SWAPPED, which takes two of them. */
export type ComparisonLevel = Exclude<EvidenceLevel, 'SWAPPED'>;

/** Given or family names: a typing error or a short form apart is SIMILAR, an initial PARTIAL. */
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
 * Dates: one wrong digit, two exchanged digits, day for month, or less than a month apart is SIMILAR; two of three parts
 * alike, or less than a year apart, PARTIAL.
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

/** Days since 1970, of impossible dates too: the 31st of February is in March. */
function dayNumber([year, month, day]: [year: string, month: string, day: string]): number {
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / 86_400_000;
}

/** E-mail addresses: SIMILAR asks both parts to be alike, for colleagues share the domain; the same part before the @ is PARTIAL. */
export function emailLevel(left: EmailTerm, right: EmailTerm): ComparisonLevel {
  if (left.key === right.key) return 'EXACT';
  if (alike(left.domain, right.domain) && alike(left.local, right.local)) return 'SIMILAR';
  return left.local === right.local && left.local !== '' ? 'PARTIAL' : 'DIFFERENT';
}

function alike(left: string, right: string): boolean {
  return jaroWinkler(left, right) >= 0.88 || (Math.min(left.length, right.length) >= 4 && withinEdits(left, right, 1));
}

/** Streets: a typing error in the name is SIMILAR, another house number PARTIAL. */
export function streetLevel(left: StreetTerm, right: StreetTerm): ComparisonLevel {
  const lacksType = left.stem === left.key || right.stem === right.key;
  const sameName = left.key === right.key || (lacksType && left.stem === right.stem);
  const similarName = sameName || jaroWinkler(left.key, right.key) >= 0.9 || withinEdits(left.key, right.key, 2);
  if (!similarName) return 'DIFFERENT';
  if (left.houseNumber === right.houseNumber) return sameName ? 'EXACT' : 'SIMILAR';
  return left.houseNumber === '' || right.houseNumber === '' ? 'SIMILAR' : 'PARTIAL';
}

/** E-mail addresses of companies, where all have the domain in common and many have "info" before the @. */
export function companyEmailLevel(left: EmailTerm, right: EmailTerm): ComparisonLevel {
  if (left.key === right.key) return 'EXACT';
  return left.domain === right.domain ? 'PARTIAL' : 'DIFFERENT';
}

/** Phone numbers of companies: PARTIAL is another line of the same block of a hundred. */
export function companyPhoneLevel(left: Term, right: Term): ComparisonLevel {
  const level = codeLevel(left, right);
  if (level !== 'DIFFERENT' || left.key.length < 7) return level;
  return left.key.slice(0, -2) === right.key.slice(0, -2) ? 'PARTIAL' : 'DIFFERENT';
}

/** City and state: nearly the same letters, or one typing error, is SIMILAR. Codes such as "NSW" have no near miss. */
export function placeLevel({ key: left }: Term, { key: right }: Term): ComparisonLevel {
  if (left === right) return 'EXACT';
  if (Math.min(left.length, right.length) < 4) return 'DIFFERENT';
  return jaroWinkler(left, right) >= 0.88 || withinEdits(left, right, 1) ? 'SIMILAR' : 'DIFFERENT';
}

/** Codes and numbers, such as a postal code or a phone number: one typing error is SIMILAR. */
export function codeLevel({ key: left }: Term, { key: right }: Term): ComparisonLevel {
  if (left === right) return 'EXACT';
  return Math.min(left.length, right.length) >= 4 && withinEdits(left, right, 1) ? 'SIMILAR' : 'DIFFERENT';
}

/** What has no near miss: country codes, and domains, of which those of two companies are often a letter apart. */
export function wholeLevel({ key: left }: Term, { key: right }: Term): ComparisonLevel {
  return left === right ? 'EXACT' : 'DIFFERENT';
}
