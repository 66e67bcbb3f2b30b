import en from '../locales/en.ts';
import { formatOf } from './format.ts';
import { labelsOf } from './labels.ts';

const languages = ['en', 'zh-CN'] as const;
type Language = (typeof languages)[number];

let texts: Readonly<Record<string, string>> = en;

/** The chosen language, or the first one that the browser asks for. A page has one: another choice loads it anew. */
export const language: Language = preferredLanguage();

/** English with the region that the browser asks for, such as `en-GB`: it says how dates and numbers are written. */
export const locale = navigator.languages.find((tag) => language === 'en' && /^en\b/.test(tag)) ?? language;

/** Values as the reader's region writes them. */
export const format = formatOf(locale);

/** Names of what the contract has. */
export const labels = labelsOf(find);

/** Reads the texts of the language. Called once, before the first screen. */
export async function loadTexts(): Promise<void> {
  if (language !== 'en') texts = { ...en, ...(await import('../locales/zh-cn.ts')).default };
  document.documentElement.lang = language;
}

/** Reads the texts of all screens but the first. Each of them waits for it. */
export async function loadScreenTexts(): Promise<void> {
  // Those of another language are complete, and win.
  if (language === 'en') texts = { ...(await import('../locales/en-screens.ts')).default, ...texts };
}

/** Undefined for a key that the catalog lacks. */
export function find(key: string): string | undefined {
  return texts[key];
}

/** The text of a key, with `{name}` replaced by a value, and `{count, one|other}` by the form of the number. */
export function t(key: string, values: Readonly<Record<string, string | number>> = {}): string {
  const text = find(key) ?? key;
  return text.replace(/\{(\w+)(?:, ([^{}|]*)\|([^{}]*))?\}/g, (whole, name: string, one?: string, other?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    const shown = typeof value === 'number' ? format.number(value) : value;
    if (one === undefined || other === undefined) return shown;
    return (value === 1 ? one : other).replaceAll('#', shown);
  });
}

function preferredLanguage(): Language {
  const chosen = localStorage.getItem('language') ?? '';
  const wanted = [chosen, ...navigator.languages].map((tag) =>
    languages.find((each) => each.slice(0, 2) === tag.slice(0, 2)),
  );
  return wanted.find((each) => each !== undefined) ?? 'en';
}
