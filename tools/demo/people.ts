import { createHash } from 'node:crypto';
import pools from './people.json' with { type: 'json' };

/** The names and places of a country. A name is followed by its Latin form, `王=wang`, if it has another script. */
interface Pool {
  given: string | string[];
  family: string | string[];
  cities: string | string[];
  /** Templates of company names: {f} is a family name, {c} a city. */
  companies: string[];
  titles: string[];
  /** Template of phone numbers that are reserved for fiction: {3} is three digits. */
  phone?: string;
  /** Order of the parts of a name, when it is not given name first. */
  name?: string;
}

/** The columns of the file, as the trade fair names them, and their fields. */
export const columns = [
  ...['Art=kind', 'Anzeigename=displayName', 'Vorname=givenName', 'Nachname=familyName', 'Funktion=jobTitle'],
  ...['Firma=companyName', 'E-Mail=email', 'Telefon=phone', 'Domain=domain', 'Ort=city', 'Land=countryCode'],
  ...['Merkmal=tag', 'Phase=lifecycleStage', 'Quelle=source', 'Geburtstag=birthDate', 'Betreuung=ownerId'],
];
const stages = [
  ...['SUBSCRIBER', 'SUBSCRIBER', 'SUBSCRIBER', 'LEAD', 'LEAD', 'LEAD', 'LEAD', 'QUALIFIED', 'QUALIFIED'],
  ...['OPPORTUNITY', 'CUSTOMER', 'CUSTOMER', 'FORMER_CUSTOMER'],
];
const tags = ['newsletter', 'trade fair', 'webinar', 'distributor', 'calibration', 'research', '', ''];
const sources = ['trade fair', 'web form', 'referral', 'webinar', 'partner'];

/** Rows that an import refuses or takes in part, as they are in every list that people have typed. */
const faultyRows = [
  'PERSON,,Gudrun,Thoma,Einkauf,,gudrun.thoma@,,,Ulm,DE,trade fair,LEAD,trade fair,,',
  'PERSON,,Pieter,de Wit,,,pieter(at)dewit.example,,,Delft,NL,trade fair,LEAD,trade fair,,',
  'PARTNER,Optica Sur,,,,,info@optica-sur.example,,,Sevilla,ES,trade fair,LEAD,trade fair,,',
  'PERSON,,,,,,,,,,FR,trade fair,,trade fair,,',
  'PERSON,,Anneke,Vos,Inkoper,,anneke.vos@post.example,,,Utrecht,Nederlandje,trade fair,HOT,trade fair,,',
  'PERSON,,Jarosław,Mazur,Inżynier,,jaroslaw.mazur@poczta.example,,,Lublin,PL,trade fair,LEAD,trade fair,03/04/1981,',
  'COMPANY,,,,,,kontakt@ohne-name.example,,ohne-name.example,Bern,CH,trade fair,LEAD,trade fair,,',
];

/**
 * A CSV file of made-up companies and people of many countries, and a few faulty rows. It is the same each time.
 *
 * @param count number of valid rows
 * @param ownerIdOf the id of the user that owns the rows of a country
 */
export function peopleFile(count: number, ownerIdOf: (countryCode: string) => string): string {
  const countries = Object.entries(pools as Record<string, Pool>);
  const rows = countries.flatMap(([countryCode, pool]) => companyRows(countryCode, pool, ownerIdOf(countryCode)));
  for (let index = 0; rows.length < count; index += 1) {
    const [countryCode, pool] = countries[index % countries.length]!;
    const row = personRow(countryCode, pool, Math.floor(index / countries.length), ownerIdOf(countryCode));
    if (row) rows.push(row);
  }
  for (const [index, row] of faultyRows.entries()) rows.splice(40 + index * 61, 0, row);
  return `${columns.map((column) => column.split('=')[0]).join(',')}\n${rows.join('\n')}\n`;
}

function companyRows(countryCode: string, pool: Pool, ownerId: string): string[] {
  return companiesOf(countryCode, pool).map(({ name, domain, city }) => {
    const pick = picker(domain);
    return [
      ...['COMPANY', quoted(name), '', '', '', '', `info@${domain}`, '', domain, city, countryCode, pick(tags)],
      ...[pick(stages), pick(sources), '', ownerId],
    ].join(',');
  });
}

/** Three for each template: more would resemble each other. */
function companiesOf(countryCode: string, pool: Pool): { name: string; domain: string; city: string }[] {
  const [families, cities] = [list(pool.family), list(pool.cities)];
  return families.slice(0, pool.companies.length * 3).map((family, index) => {
    const city = cities[index % cities.length] ?? '';
    const template = pool.companies[index % pool.companies.length] ?? '';
    const name = template.replace('{f}', written(family)).replace('{c}', city);
    return { name, domain: `${slug(family)}-${countryCode.toLowerCase()}.example`, city };
  });
}

/** Undefined when a country has no further name. */
function personRow(countryCode: string, pool: Pool, index: number, ownerId: string): string | undefined {
  const [givenNames, families] = [list(pool.given), list(pool.family)];
  if (index >= givenNames.length * families.length) return undefined;
  const given = givenNames[index % givenNames.length] ?? '';
  const family = families[(index + Math.floor(index / givenNames.length)) % families.length] ?? '';
  const latin = `${slug(given)}.${slug(family)}`;
  const pick = picker(`${latin} ${countryCode}`);
  const company = pick([true, true, false]) ? pick(companiesOf(countryCode, pool)) : undefined;
  const birthDate = pick([true, false, false, false])
    ? new Date(Date.UTC(pick(numbers(1_956, 45)), 0, pick(numbers(1, 365)))).toISOString().slice(0, 10)
    : '';
  const name = pool.name?.replace('{f}', written(family)).replace('{g}', written(given)) ?? '';
  return [
    ...['PERSON', name, written(given), written(family), quoted(pick(pool.titles)), quoted(company?.name ?? '')],
    ...[company ? `${slug(given).slice(0, 2)}.${slug(family)}@${company.domain}` : `${latin}@${slug(family)}.example`],
    ...[pick([true, false, false]) ? phone(pool.phone, index) : '', '', pick(list(pool.cities)), countryCode],
    ...[pick(tags), pick(stages), pick(sources), birthDate, ownerId],
  ].join(',');
}

/** Picks one of a list at each call, always the same ones for the same text. */
function picker(text: string): <Item>(items: readonly Item[]) => Item {
  const hash = createHash('sha256').update(text).digest();
  let place = 0;
  return (items) => {
    place += 2;
    return items[hash.readUInt16BE(place) % items.length]!;
  };
}

function numbers(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

function list(names: string | string[]): string[] {
  return typeof names === 'string' ? names.split(' ') : names;
}

function written(name: string): string {
  return name.split('=')[0] ?? '';
}

/** The Latin form of a name, in lower case and without accents. */
function slug(name: string): string {
  const latin = (name.split('=')[1] ?? name).toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');
  return latin.replace(/[ßøłđðþæœı]/g, (letter) => letters[letter] ?? '').replace(/[^a-z0-9]+/g, '-');
}

const letters: Record<string, string> = {
  ...{ ß: 'ss', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', æ: 'ae', œ: 'oe', ı: 'i' },
};

function phone(template = '', index: number): string {
  let next = index * 37;
  return template.replace(/\{(\d)\}/g, (_, digits: string) => {
    next += 11;
    return String(next % 10 ** Number(digits)).padStart(Number(digits), '0');
  });
}

function quoted(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
