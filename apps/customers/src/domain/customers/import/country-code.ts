import { countryFinder } from '@rapport/platform';

/** The ISO 3166-1 alpha-2 code of a country, by its code or its English name; undefined for any other text. */
export const countryCode = countryFinder(['en']);
