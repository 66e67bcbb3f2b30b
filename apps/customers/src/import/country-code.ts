/** Names that files use and Unicode's English names don't have, simplified. */
const aliases = new Map<string, string>(
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

/** Read from Unicode's data when a country is first looked for: that takes tens of milliseconds. */
let countries: Countries | undefined;

/** The ISO 3166-1 alpha-2 code of a country that is given by its code or its English name. */
export function countryCode(text: string): string | undefined {
  const name = simplify(text);
  const { codes, codesByName } = (countries ??= readCountries());
  return aliases.get(name) ?? codesByName.get(name) ?? (codes.has(text.toUpperCase()) ? text.toUpperCase() : undefined);
}

function readCountries(): Countries {
  const englishNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  // Codes that Unicode has given up stand for their successors: DD is DE.
  const isCode = (text: string) =>
    englishNames.of(text) !== undefined && new Intl.Locale(`und-${text}`).region === text;
  const letters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ');
  const codes = new Set(letters.flatMap((first) => letters.map((second) => first + second)).filter(isCode));
  return { codes, codesByName: new Map(Array.from(codes, (code) => [simplify(englishNames.of(code) ?? ''), code])) };
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
