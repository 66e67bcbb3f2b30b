import { countryFinder } from '@rapport/platform';

/** Languages in which systems write the names of countries. */
const languages = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'sv', 'da', 'nb', 'fi', 'cs'];

const englishNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });

/** The ISO 3166-1 alpha-2 code of a country that is given by its code or its name; undefined for any other text. */
export const countryCode = countryFinder(languages);

/** The English name of a country. */
export function countryName(code: string): string {
  return englishNames.of(code) ?? code;
}
