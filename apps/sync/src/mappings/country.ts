/** Languages in which systems write the names of countries. */
const languages = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'sv', 'da', 'nb', 'fi', 'cs'];

/** English names that Unicode does not have, simplified. */
const aliases: Readonly<Record<string, string>> = {
  ...{ usa: 'US', 'united states of america': 'US', uk: 'GB', 'great britain': 'GB', england: 'GB', scotland: 'GB' },
  ...{ wales: 'GB', 'northern ireland': 'GB', holland: 'NL', 'czech republic': 'CZ', turkey: 'TR', uae: 'AE' },
  ...{ 'russian federation': 'RU', 'viet nam': 'VN', 'republic of korea': 'KR', 'hong kong': 'HK', macau: 'MO' },
};

interface Countries {
  codes: ReadonlySet<string>;
  codesByName: ReadonlyMap<string, string>;
}

/** Read from Unicode's data when a country is first looked for: that takes tens of milliseconds. */
let countries: Countries | undefined;

const englishNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });

/** The ISO 3166-1 alpha-2 code of a country that is given by its code or its name; undefined when it is none that is known. */
export function countryCode(text: string): string | undefined {
  const { codes, codesByName } = (countries ??= readCountries());
  const [name, code] = [simplify(text), text.trim().toUpperCase()];
  return aliases[name] ?? codesByName.get(name) ?? (codes.has(code) ? code : undefined);
}

/** The English name of a country. */
export function countryName(code: string): string {
  return englishNames.of(code) ?? code;
}

function readCountries(): Countries {
  const letters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ');
  // Codes that Unicode has given up stand for their successors: DD is DE.
  const isCode = (code: string) =>
    englishNames.of(code) !== undefined && new Intl.Locale(`und-${code}`).region === code;
  const codes = letters.flatMap((first) => letters.map((second) => first + second)).filter(isCode);
  const codesByName = new Map<string, string>();
  // A name that means another country in another language is that of the first one.
  for (const language of languages) {
    const names = new Intl.DisplayNames(language, { type: 'region', fallback: 'none' });
    for (const code of codes) {
      const name = simplify(names.of(code) ?? '');
      if (name !== '' && !codesByName.has(name)) codesByName.set(name, code);
    }
  }
  return { codes: new Set(codes), codesByName };
}

function simplify(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll('&', ' and ')
    .replace(/['’.\p{Mn}]/gu, '')
    .replace(/[^\p{L}]+/gu, ' ')
    .replace(/^ ?the /, '')
    .trim();
}
