import type { PhoneNumber, PostalAddress } from '@rapport/contracts/rapport/customers/v1/customer';
import { isSupportedCountry, parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/max';

/** The country of local phone numbers: that of the first address, or else the default. */
export function phoneRegion([first]: PostalAddress[], defaultCountry?: string): CountryCode | undefined {
  const country = first?.countryCode ?? defaultCountry;
  return country !== undefined && isSupportedCountry(country) ? country : undefined;
}

/** Most numbers that are remembered: those of 100 customers, and of a row that is compared with each of them. */
const maxRead = 4_096;

/** The last numbers, by region: a row of an import is compared with 100 customers of its name, and reading a number takes 10 µs. */
const read = new Map<string, Readonly<ReadNumber>>();

interface ReadNumber {
  number: string;
  valid: boolean;
}

/** E.164 has no extensions: a number with one is stored as typed, and is valid all the same. */
export function readPhone(typed: string, region: CountryCode | undefined): PhoneNumber & { valid: boolean } {
  return { ...known(typed, region) };
}

function known(typed: string, region: CountryCode | undefined): Readonly<ReadNumber> {
  const key = `${region ?? ''} ${typed}`;
  const found = read.get(key);
  if (found) return found;
  const made = parsed(typed, region);
  if (read.size >= maxRead) read.clear();
  read.set(key, made);
  return made;
}

function parsed(typed: string, region: CountryCode | undefined): ReadNumber {
  const found = parsePhoneNumberFromString(typed, { ...(region ? { defaultCountry: region } : {}), extract: false });
  if (!found?.isValid()) return { number: typed, valid: false };
  return { number: found.ext ? typed : found.number, valid: true };
}

/** Normalizes phone numbers of a customer with these addresses; the same list when unchanged. */
export function phonesAt(addresses: PostalAddress[], phones: PhoneNumber[]): PhoneNumber[] {
  const region = phoneRegion(addresses);
  // An international number does not depend on the country.
  const numbers = phones.map(({ number }) => (number.startsWith('+') ? number : known(number, region).number));
  if (numbers.every((number, index) => number === phones[index]?.number)) return phones;
  const moved = phones.map((phone, index) => ({ ...phone, number: numbers[index] ?? phone.number }));
  return moved.filter(({ number }, index) => numbers.indexOf(number) === index);
}
