import { countryFinder } from '@rapport/platform';
import type { RowDefaults } from '../../../engine/import/rows/row-defaults.js';
import { onceFor } from '../../../engine/values/once-for.js';

const inEnglish = countryFinder(['en']);

const inLanguage = onceFor(({ language }: RowDefaults) =>
  language === undefined ? () => undefined : countryFinder([language]),
);

/**
 * The ISO 3166-1 alpha-2 code of a country, by its code, its English name, or its name in the language of the file;
 * undefined for any other text.
 */
export function countryCode(text: string, defaults?: RowDefaults): string | undefined {
  return inEnglish(text) ?? (defaults && inLanguage(defaults)(text));
}
