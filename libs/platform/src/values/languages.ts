/** The languages of pages for people without an account, as BCP 47 tags. */
export type PageLanguage = 'en' | 'zh-CN';

const offered: ReadonlyMap<string, PageLanguage> = new Map([
  ['en', 'en'],
  ['zh', 'zh-CN'],
]);

/** Longest list that is read, in characters. */
const maxLength = 500;

/**
 * The language of a page. English when none is offered that the reader wants.
 *
 * @param accepted the header Accept-Language: RFC 9110, section 12.5.4
 */
export function pageLanguage(accepted: string | undefined): PageLanguage {
  let best: { language: PageLanguage; weight: number } | undefined;
  for (const item of (accepted ?? '').slice(0, maxLength).split(',')) {
    const [tag = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    const language = offered.get(tag.split('-', 1)[0] ?? '');
    const weight = Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1);
    if (language && weight > (best?.weight ?? 0)) best = { language, weight };
  }
  return best?.language ?? 'en';
}
