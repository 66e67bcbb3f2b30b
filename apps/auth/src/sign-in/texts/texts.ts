import { en, type Texts } from './en.js';
import { zh } from './zh.js';

export type { Texts } from './en.js';

/** The languages of pages and mails, by primary subtag of BCP 47. */
export const languages: ReadonlyMap<string, Texts> = new Map([
  ['en', en],
  ['zh', zh],
]);

/**
 * The texts of the first known language.
 *
 * @param wanted lists of BCP 47 tags, the most important list first: of `ui_locales`, of Accept-Language, or of one locale
 */
export function textsFor(...wanted: readonly (string | null | undefined)[]): Texts {
  for (const list of wanted) {
    for (const tag of (list ?? '').split(/[\s,]+/)) {
      const texts = languages.get(tag.split(/[-;]/, 1)[0]?.toLowerCase() ?? '');
      if (texts) return texts;
    }
  }
  return en;
}
