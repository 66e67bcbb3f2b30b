import type { PhoneNumber, PostalAddress } from '@rapport/contracts/rapport/customers/v1/customer';
import { isSupportedCountry, parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/max';

/** The country that local phone numbers are of: that of the first address, else the default. */
export function phoneRegion([first]: PostalAddress[], defaultCountry?: string): CountryCode | undefined {
  const country = first?.countryCode ?? defaultCountry;
  return country !== undefined && isSupportedCountry(country) ? country : undefined;
}

/** E.164 has no place for an extension: a number with one stays as typed, and is valid all the same. */
export function readPhone(typed: string, region: CountryCode | undefined): PhoneNumber & { valid: boolean } {
  const parsed = parsePhoneNumberFromString(typed, { ...(region ? { defaultCountry: region } : {}), extract: false });
  if (!parsed?.isValid()) return { number: typed, valid: false };
  return { number: parsed.ext ? typed : parsed.number, valid: true };
}

/**
 * The digits that a number is found by: those of the number as it is kept, and those by which it is called in its country,
 * which is how most people type it.
 */
export function phoneDigits(number: string): string[] {
  const kept = digits(number);
  const national = number.startsWith('+') ? digits(readNational(number)) : '';
  return national === '' || national === kept ? [kept] : [kept, national];
}

/** The digits of a number as somebody types it who looks for it: "00" stands for "+", and "(0)" is dropped after that. */
export function soughtDigits(typed: string): string[] {
  const isInternational = /^\s*(\+|00)/.test(typed);
  const international = digits(isInternational ? typed.replace('(0)', '') : typed).replace(/^00/, '');
  return [...new Set([digits(typed), international])];
}

/** The decimal digits of a phone number. */
export function digits(phone: string): string {
  return phone.replace(/\D/g, '');
}

function readNational(number: string): string {
  return parsePhoneNumberFromString(number, { extract: false })?.formatNational() ?? '';
}

/** Phone numbers as a customer with these addresses has them; the same list when they are so already. */
export function phonesAt(addresses: PostalAddress[], phones: PhoneNumber[]): PhoneNumber[] {
  const region = phoneRegion(addresses);
  const read = phones.map((phone) =>
    // What begins with the code of its country is the same everywhere.
    phone.number.startsWith('+') ? phone : { ...phone, number: readPhone(phone.number, region).number },
  );
  if (read.every(({ number }, index) => number === phones[index]?.number)) return phones;
  const numbers = read.map(({ number }) => number);
  return read.filter(({ number }, index) => numbers.indexOf(number) === index);
}
