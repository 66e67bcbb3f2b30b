import type { PhoneNumber, PostalAddress } from '@rapport/contracts/rapport/customers/v1/customer';
import { isSupportedCountry, parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/max';

/** The country of local phone numbers: that of the first address, or else the default. */
export function phoneRegion([first]: PostalAddress[], defaultCountry?: string): CountryCode | undefined {
  const country = first?.countryCode ?? defaultCountry;
  return country !== undefined && isSupportedCountry(country) ? country : undefined;
}

/** E.164 has no extensions: a number with one is stored as typed, and is valid all the same. */
export function readPhone(typed: string, region: CountryCode | undefined): PhoneNumber & { valid: boolean } {
  const parsed = parsePhoneNumberFromString(typed, { ...(region ? { defaultCountry: region } : {}), extract: false });
  if (!parsed?.isValid()) return { number: typed, valid: false };
  return { number: parsed.ext ? typed : parsed.number, valid: true };
}

/** Normalizes phone numbers of a customer with these addresses; the same list when unchanged. */
export function phonesAt(addresses: PostalAddress[], phones: PhoneNumber[]): PhoneNumber[] {
  const region = phoneRegion(addresses);
  const read = phones.map((phone) =>
    // An international number does not depend on the country.
    phone.number.startsWith('+') ? phone : { ...phone, number: readPhone(phone.number, region).number },
  );
  if (read.every(({ number }, index) => number === phones[index]?.number)) return phones;
  const numbers = read.map(({ number }) => number);
  return read.filter(({ number }, index) => numbers.indexOf(number) === index);
}
