import { SeedRandom } from '../seed/seed-random.ts';
import type { CandidateAddress, DuplicateCandidate } from '../src/domain/customers/duplicates/duplicate-candidate.js';
import * as lists from './company-words.ts';
import type { LabelledSet } from './duplicate-samples.ts';

/** Parameters of synthetic companies and their records. Shares are from 0 to 1. */
export interface CompanyWorld {
  name: string;
  seed: number;
  companies: number;
  /** Additional records of a company: average and maximum. */
  copies: { mean: number; max: number };
  /** Companies with a second name that has nothing in common with the first. */
  alias: number;
  /** Records with a former address of their company. A quarter of those have its former phone number, too. */
  moved: number;
  /** Companies in a shared building, and the buildings whose companies all have the number of the reception. */
  office: number;
  reception: number;
  /** Companies that are branches of a chain: same name and domain, separate addresses. Each branch is a company. */
  branches: number;
  /** Branches that all give the number of the chain. */
  hotline: number;
  /** Names, streets, postal codes and numbers with a typing error. */
  typo: number;
  /** Missing values, independently per field. */
  missing: number;
  /** A directory has name, street, postal code and phone of a company, and nothing else. */
  isDirectory: boolean;
}

/** The weights were developed with the first two; the others are held out. */
export const companyWorlds = [
  {
    ...{
      name: 'companies of a CRM',
      seed: 1,
      companies: 1_200,
      copies: { mean: 0.6, max: 4 },
      alias: 0.15,
      moved: 0.1,
    },
    ...{ office: 0.15, reception: 0.3, branches: 0.05, hotline: 0.3, typo: 0.05, missing: 0.2, isDirectory: false },
  },
  {
    ...{
      name: 'companies of directories',
      seed: 2,
      companies: 1_100,
      copies: { mean: 2, max: 9 },
      alias: 0.3,
      moved: 0.05,
    },
    ...{ office: 0.1, reception: 0.3, branches: 0.05, hotline: 0.5, typo: 0.05, missing: 0.12, isDirectory: true },
  },
  {
    ...{ name: 'companies of a CRM, held out', seed: 101, companies: 1_400, copies: { mean: 0.8, max: 5 }, alias: 0.1 },
    ...{ moved: 0.12, office: 0.1, reception: 0.4, branches: 0.06, hotline: 0.4, typo: 0.06, missing: 0.25 },
    isDirectory: false,
  },
  {
    ...{ name: 'companies of directories, held out', seed: 202, companies: 1_300, copies: { mean: 1.4, max: 8 } },
    ...{
      alias: 0.2,
      moved: 0.05,
      office: 0.15,
      reception: 0.5,
      branches: 0.05,
      hotline: 0.3,
      typo: 0.07,
      missing: 0.15,
    },
    isDirectory: true,
  },
] as const satisfies readonly CompanyWorld[];

interface Site {
  street: readonly [number: number, name: string, type: readonly string[]];
  town: string;
  postalCode: string;
  phone: string;
}

/** A building of several companies. */
interface Office extends Site {
  hasReception: boolean;
}

interface Company extends Site {
  names: string[];
  form: readonly string[];
  domain: string;
  old: Site;
}

/** Generates records of companies with known matches. It does not use the code that compares them. */
export function companySet(world: CompanyWorld): LabelledSet {
  const random = new SeedRandom(world.seed);
  const entityOf = new Map<string, string>();
  const candidates: DuplicateCandidate[] = [];
  for (const [entity, company] of makeCompanies(random, world).entries()) {
    for (let copies = countRecords(random, world); copies > 0; copies -= 1) {
      const id = `c${String(Math.floor(random.next() * 1e9)).padStart(9, '0')}-${candidates.length}`;
      entityOf.set(id, String(entity));
      candidates.push({ id, kind: 'COMPANY', ...recordOf(random, world, company) });
    }
  }
  return { name: world.name, candidates, entityOf };
}

function countRecords(random: SeedRandom, { copies }: CompanyWorld): number {
  let count = 1;
  while (count <= copies.max && random.chance(copies.mean / (1 + copies.mean))) count += 1;
  return count;
}

function makeCompanies(random: SeedRandom, world: CompanyWorld): Company[] {
  const companies: Company[] = [];
  const taken = new Set<string>();
  const offices = Array.from({ length: Math.ceil((world.companies * world.office) / 6) }, () => ({
    ...makeSite(random),
    hasReception: random.chance(world.reception),
  }));
  while (companies.length < world.companies) {
    if (random.chance(world.branches / 5)) companies.push(...makeChain(random, world, taken));
    else companies.push(makeCompany(random, world, offices, taken));
  }
  return companies.slice(0, world.companies);
}

function makeCompany(random: SeedRandom, world: CompanyWorld, offices: readonly Office[], taken: Set<string>): Company {
  const own = makeSite(random);
  const office = offices.length > 0 && random.chance(world.office) ? random.pick(offices) : undefined;
  const site = office ? { ...office, phone: office.hasReception ? office.phone : own.phone } : own;
  const names = [makeName(random, site.town, taken)];
  if (random.chance(world.alias)) names.push(makeName(random, site.town, taken));
  return {
    ...site,
    names,
    form: random.pick(lists.legalForms),
    domain: makeDomain(random, names[0], taken),
    old: makeSite(random),
  };
}

function makeChain(random: SeedRandom, { hotline }: CompanyWorld, taken: Set<string>): Company[] {
  const first = makeCompany(random, { alias: 0, office: 0 } as CompanyWorld, [], taken);
  return Array.from({ length: 2 + random.below(6) }, () => {
    const site = makeSite(random);
    const phone = random.chance(hotline) ? first.phone : site.phone;
    return { ...first, ...site, phone, old: makeSite(random) };
  });
}

function makeSite(random: SeedRandom): Site {
  const [town, postalStart] = random.pickSkewed(lists.towns);
  return {
    street: [1 + random.below(400), random.pickSkewed(lists.streets), random.pick(lists.streetTypes)],
    town,
    postalCode: `${postalStart}${String(random.below(8) * 7 + 10)}`,
    phone: `+1${200 + random.below(40)}${digits(random, 7)}`,
  };
}

/**
 * In a town no two companies have the same name. Some names contain a unique word, some consist of frequent words, and
 * some include the town.
 */
function makeName(random: SeedRandom, town: string, taken: Set<string>): string {
  const [surname, trade, generic] = [
    random.pick(lists.surnames),
    random.pickSkewed(lists.trades),
    random.pick(lists.generics),
  ];
  const brand = random.pick(lists.brandStarts) + random.pick(lists.brandEnds);
  const patterns = [
    () => `${surname} ${random.pick(lists.surnames)} ${trade}`,
    () => `${surname} Brothers ${trade}`,
    () => `${surname} and Sons`,
    () => `${town} ${trade} ${generic}`,
    () => `${random.pick(lists.adjectives)} ${trade} ${generic}`,
    () => `${brand} ${trade}`,
    () => `${brand} ${generic}`,
    () => `${brand}`,
    () => `Saint ${random.pick(lists.saints)} ${random.pick(lists.institutions)}`,
    () => `${town} ${random.pick(lists.institutions)}`,
    () => `${random.pick(lists.institutions)} of ${town} ${surname}`,
  ];
  let name = random.pick(patterns)();
  while (taken.has(`${name}, ${town}`)) name = random.pick(patterns)();
  taken.add(`${name}, ${town}`);
  return name;
}

function makeDomain(random: SeedRandom, name = '', taken: Set<string>): string {
  const start = name
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .slice(0, 14);
  let domain = `${start}.example`;
  while (taken.has(domain)) domain = `${start}${random.below(1000)}.example`;
  taken.add(domain);
  return domain;
}

function recordOf(random: SeedRandom, world: CompanyWorld, company: Company): Omit<DuplicateCandidate, 'id' | 'kind'> {
  const isOld = random.chance(world.moved);
  const site = isOld ? company.old : company;
  const phone = isOld && random.chance(0.25) ? company.old.phone : company.phone;
  const number = random.chance(0.12) ? phone.slice(0, -2) + digits(random, 2) : phone;
  const has = () => !random.chance(world.missing);
  const isOnline = !world.isDirectory;
  return {
    displayName: mistype(random, world.typo, spellName(random, company)),
    phones: has() ? [spellPhone(random, mistype(random, world.typo, number))] : [],
    domains: isOnline && has() ? [company.domain] : [],
    emails: isOnline && has() && has() ? [`${random.pick(['info', 'office', 'sales', 'mail'])}@${company.domain}`] : [],
    addresses: [addressOf(random, world, site)],
    identifiers: [],
  };
}

function addressOf(random: SeedRandom, { isDirectory, missing, typo }: CompanyWorld, site: Site): CandidateAddress {
  const has = () => !random.chance(missing);
  return {
    ...(has() && { street: mistype(random, typo, spellStreet(random, site)) }),
    ...(has() && { postalCode: mistype(random, typo, site.postalCode) }),
    ...(!isDirectory && has() && { city: mistype(random, typo, site.town) }),
    ...(!isDirectory && has() && { countryCode: 'US' }),
  };
}

function spellName(random: SeedRandom, { names, form, town }: Company): string {
  let [name = ''] = random.chance(0.3) ? names.slice(-1) : names;
  for (const [full, short] of lists.shortForms) {
    if (random.chance(0.35)) name = name.replace(new RegExp(`\\b${full}\\b`), short);
  }
  const parts = name.split(' ');
  if (parts.length > 1 && random.chance(0.08)) name = [...parts.slice(1), parts[0]].join(' ');
  else if (parts.length > 2 && random.chance(0.08)) name = parts.slice(0, -1).join(' ');
  else if (parts.length > 2 && random.chance(0.03)) name = parts.map((part) => part.slice(0, 1)).join('');
  if (random.chance(0.06)) name = `${name} ${town}`;
  if (random.chance(0.06)) name = `${name} - ${random.pick(['Head Office', 'Sales', 'Accounts', 'Warehouse'])}`;
  if (random.chance(0.5)) name = `${name} ${random.pick(form)}`.replace(' ,', ',');
  return random.chance(0.1) ? name.toUpperCase() : name;
}

function spellStreet(random: SeedRandom, { street: [number, name, types] }: Site): string {
  const type = random.chance(0.1) ? '' : random.pick(types);
  const suite = random.chance(0.08) ? `, Suite ${1 + random.below(9)}` : '';
  return `${number} ${name} ${type}`.trim() + suite;
}

function spellPhone(random: SeedRandom, number: string): string {
  const [area, exchange, line] = [number.slice(2, 5), number.slice(5, 8), number.slice(8)];
  return random.pick([
    number,
    `(${area}) ${exchange}-${line}`,
    `${area}-${exchange}-${line}`,
    `${area} ${exchange} ${line}`,
  ]);
}

/** Two letters transposed, one missing, one doubled, or one replaced. */
function mistype(random: SeedRandom, share: number, text: string): string {
  if (text.length < 4 || !random.chance(share)) return text;
  const at = 1 + random.below(text.length - 2);
  const [before, letter, after] = [text.slice(0, at), text.slice(at, at + 1), text.slice(at + 1)];
  const other = /\d/.test(letter) ? digits(random, 1) : String.fromCodePoint(97 + random.below(26));
  return random.pick([
    `${before}${after.slice(0, 1)}${letter}${after.slice(1)}`,
    `${before}${after}`,
    `${before}${letter}${letter}${after}`,
    `${before}${other}${after}`,
  ]);
}

function digits(random: SeedRandom, count: number): string {
  return Array.from({ length: count }, () => random.below(10)).join('');
}
