/** Names that systems and files use and that Unicode's English names lack, normalized. */
const aliases: ReadonlyMap<string, string> = new Map(
  Object.entries({
    usa: 'US',
    'united states of america': 'US',
    uk: 'GB',
    'great britain': 'GB',
    england: 'GB',
    scotland: 'GB',
    wales: 'GB',
    'northern ireland': 'GB',
    uae: 'AE',
    'czech republic': 'CZ',
    turkey: 'TR',
    turkiye: 'TR',
    holland: 'NL',
    'republic of korea': 'KR',
    'korea republic of': 'KR',
    'korea democratic peoples republic of': 'KP',
    'russian federation': 'RU',
    'viet nam': 'VN',
    'iran islamic republic of': 'IR',
    'syrian arab republic': 'SY',
    'bolivia plurinational state of': 'BO',
    'venezuela bolivarian republic of': 'VE',
    'tanzania united republic of': 'TZ',
    'moldova republic of': 'MD',
    'taiwan province of china': 'TW',
    'lao peoples democratic republic': 'LA',
    'brunei darussalam': 'BN',
    'hong kong': 'HK',
    macao: 'MO',
    macau: 'MO',
    macedonia: 'MK',
    swaziland: 'SZ',
    'cape verde': 'CV',
    'ivory coast': 'CI',
    myanmar: 'MM',
    burma: 'MM',
    palestine: 'PS',
    'palestine state of': 'PS',
    'palestinian territory occupied': 'PS',
    congo: 'CG',
    'congo the democratic republic of the': 'CD',
    'democratic republic of the congo': 'CD',
    'holy see vatican city state': 'VA',
    vatican: 'VA',
    'virgin islands british': 'VG',
    'virgin islands us': 'VI',
  }),
);

interface Countries {
  codes: ReadonlySet<string>;
  codesByName: ReadonlyMap<string, string>;
}

/**
 * Makes a function that finds the ISO 3166-1 alpha-2 code of a country by its code or its name, or returns undefined.
 * The first lookup reads Unicode's names, which takes tens of milliseconds.
 *
 * @param languages of the names, as BCP 47 tags. The first language wins when a name is ambiguous.
 */
export function countryFinder(languages: readonly string[]): (text: string) => string | undefined {
  let countries: Countries | undefined;
  return (text) => {
    const { codes, codesByName } = (countries ??= readCountries(languages));
    const [name, code] = [simplify(text), text.trim().toUpperCase()];
    return aliases.get(name) ?? codesByName.get(name) ?? (codes.has(code) ? code : undefined);
  };
}

function readCountries(languages: readonly string[]): Countries {
  const englishNames = countryNames('en');
  const letters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ');
  // A retired code stands for its successor: DD is DE.
  const isCode = (text: string) =>
    englishNames.of(text) !== undefined && new Intl.Locale(`und-${text}`).region === text;
  const codes = letters.flatMap((first) => letters.map((second) => first + second)).filter(isCode);
  const codesByName = new Map<string, string>();
  for (const names of languages.map(countryNames)) {
    for (const code of codes) {
      const name = simplify(names.of(code) ?? '');
      if (name !== '' && !codesByName.has(name)) codesByName.set(name, code);
    }
  }
  return { codes: new Set(codes), codesByName };
}

function countryNames(language: string): Intl.DisplayNames {
  return new Intl.DisplayNames(language, { type: 'region', fallback: 'none' });
}

function simplify(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll('&', ' and ')
    .replace(/['’.\p{Mn}]/gu, '')
    .replace(/[^\p{L}]+/gu, ' ')
    .replace(/^ ?the /, '')
    .replace(/\bsaint\b/g, 'st')
    .trim();
}
