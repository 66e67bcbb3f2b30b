import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

/**
 * The digits that a number is found by: those of the stored number, and those of its national form, which most people type.
 */
export function phoneDigits(number: string): string[] {
  const kept = digits(number);
  const national = number.startsWith('+') ? digits(readNational(number)) : '';
  return national === '' || national === kept ? [kept] : [kept, national];
}

/** The digits of a phone number as typed in a search. A leading "00" means "+", and "(0)" after a country code is dropped. */
export function soughtDigits(typed: string): string[] {
  const isInternational = /^\s*(\+|00)/.test(typed);
  const international = digits(isInternational ? typed.replace('(0)', '') : typed).replace(/^00/, '');
  return [...new Set([digits(typed), international])];
}

/** The decimal digits of a phone number. */
export function digits(phone: string): string {
  return phone.replace(/\D/g, '');
}

/** Most national forms that are remembered. */
const maxRead = 100;

/** National forms of the last numbers: the write of a record asks twice for each, and reading one takes 10 µs. */
const read = new Map<string, string>();

function readNational(number: string): string {
  const known = read.get(number);
  if (known !== undefined) return known;
  const national = parsePhoneNumberFromString(number, { extract: false })?.formatNational() ?? '';
  if (read.size >= maxRead) read.clear();
  read.set(number, national);
  return national;
}
