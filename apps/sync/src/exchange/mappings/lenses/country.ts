import { countryFinder, once } from '@rapport/platform';

/** Languages in which systems write names of countries. */
const languages = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'sv', 'da', 'nb', 'fi', 'cs'];

/** Reading Unicode's names takes tens of milliseconds. */
const englishNames = once(() => new Intl.DisplayNames('en', { type: 'region', fallback: 'none' }));

/** The ISO 3166-1 alpha-2 code of a country by its code or name; undefined for any other text. */
export const countryCode = countryFinder(languages);

/** The English name of a country. */
export function countryName(code: string): string {
  return englishNames().of(code) ?? code;
}
