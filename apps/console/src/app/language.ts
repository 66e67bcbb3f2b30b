import { createContext, useContext } from 'react';
import en from '../locales/en.ts';
import { formatOf, type Format } from './format.ts';
import { labelsOf, type Labels } from './labels.ts';

/** Languages that the console speaks. */
export const languages = ['en', 'zh-CN'] as const;
export type Language = (typeof languages)[number];

export type Texts = Readonly<Record<string, string>>;

/** Texts by key, with `{name}` for values and `{count, one, other}` for numbers. */
export type Translate = (key: string, values?: Readonly<Record<string, string | number>>) => string;

/** What is said in the reader's language. */
interface Speech {
  language: Language;
  t: Translate;
  labels: Labels;
  format: Format;
  /** Undefined for a key that the catalog lacks. */
  find: (key: string) => string | undefined;
}

export const LanguageContext = createContext<Speech>(speechOf('en', {}));

export function useLanguage(): Speech {
  return useContext(LanguageContext);
}

/** The chosen language, or the first one that the browser asks for. */
export function preferredLanguage(): Language {
  const chosen = localStorage.getItem('language') ?? '';
  const wanted = [chosen, ...navigator.languages].map((tag) =>
    languages.find((each) => each.slice(0, 2) === tag.slice(0, 2)),
  );
  return wanted.find((each) => each !== undefined) ?? 'en';
}

export async function loadSpeech(language: Language): Promise<Speech> {
  const texts = language === 'en' ? {} : (await import('../locales/zh-cn.ts')).default;
  document.documentElement.lang = language;
  return speechOf(language, texts);
}

export function speechOf(language: Language, texts: Texts): Speech {
  const find = (key: string) => texts[key] ?? en[key];
  return {
    language,
    find,
    labels: labelsOf(find),
    format: formatOf(language),
    t: (key, values = {}) => fill(find(key) ?? key, values, language),
  };
}

/** Replaces `{name}`, and `{count, one|other}` by the form of the number. */
function fill(text: string, values: Readonly<Record<string, string | number>>, language: Language): string {
  return text.replace(/\{(\w+)(?:, ([^{}|]*)\|([^{}]*))?\}/g, (whole, name: string, one?: string, other?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    const shown = typeof value === 'number' ? new Intl.NumberFormat(language).format(value) : value;
    if (one === undefined || other === undefined) return shown;
    return (value === 1 ? one : other).replaceAll('#', shown);
  });
}
