import { comparableValues, houseKey, type ComparableValues, type Marks } from './comparable-values.js';
import type { DuplicateCandidate } from './duplicate-candidate.js';
import { byChance, sameCustomer, unseenHolders } from './linkage-weights.js';

/**
 * The fields whose values are counted. `emailLocal` and `emailDomain` are the parts before and after the @, `companyWord` the words of
 * a company's name, and `house` a street with its number.
 */
export type CountedField = keyof typeof byChance;

/** The share, above 0 and below 1, of candidates with a value among those that have the field. */
export type ShareOf = (field: CountedField, key: string) => number;

/** For how many counted candidates the usual share of a field stands, and the usual number of duplicates. */
const usualCandidates = 50;

/**
 * How common each value is, so that a shared rare name counts for more than a shared common one (Newcombe 1959; Fellegi
 * and Sunter 1969, method I). Counted from any set of candidates: all of a tenant, a sample, or the hits of a query. From
 * few candidates the shares lean on what is usual for the field, and both prior and weights move towards caution.
 */
export class TermFrequencies {
  readonly #kinds: Readonly<Record<DuplicateCandidate['kind'], KindFrequencies>>;

  /** @param isSample whether the candidates are some of those that are compared: then most duplicates lack their other half */
  constructor({ isSample = false }: { isSample?: boolean } = {}) {
    this.#kinds = { PERSON: new KindFrequencies(isSample), COMPANY: new KindFrequencies(isSample) };
  }

  /** Counts all of them. */
  static of(candidates: Iterable<DuplicateCandidate>, options: { isSample?: boolean } = {}): TermFrequencies {
    const frequencies = new TermFrequencies(options);
    for (const candidate of candidates) frequencies.add(comparableValues(candidate));
    return frequencies;
  }

  /** Counts one more candidate that was read before. */
  add(values: ComparableValues): void {
    this.#kinds[values.kind].add(values);
  }

  /** The shares of values among others than these two, which have one kind. */
  beside(left: ComparableValues, right: ComparableValues): ShareOf {
    return this.#kinds[left.kind].beside(left, right);
  }

  /** Odds that two candidates of a kind that are taken at random are the same. */
  priorOdds(kind: DuplicateCandidate['kind']): number {
    return this.#kinds[kind].priorOdds;
  }
}

/** Of how many records a value is. Of companies, it also has the marks of their names and places. */
interface ValueCount {
  records: number;
  names: Set<string>;
  places: Set<string>;
}

class KindFrequencies {
  readonly #counts = new Map<CountedField, Map<string, ValueCount>>();
  /** Holders of all values of a field, for as long as nothing is added. */
  readonly #totals = new Map<CountedField, number>();
  #candidates = 0;
  #priorOdds: number | undefined;

  constructor(private readonly isSample: boolean) {}

  add(values: ComparableValues): void {
    this.#candidates += 1;
    this.#totals.clear();
    this.#priorOdds = undefined;
    const { name, place } = values.marks;
    for (const [field, terms] of countedTerms(values)) {
      const counts = this.#counts.get(field) ?? new Map<string, ValueCount>();
      this.#counts.set(field, counts);
      for (const key of new Set(terms)) {
        const count = counts.get(key) ?? { records: 0, names: new Set(), places: new Set() };
        counts.set(key, count);
        count.records += 1;
        if (name !== '') count.names.add(name);
        if (place !== '') count.places.add(place);
      }
    }
  }

  beside(left: ComparableValues, right: ComparableValues): ShareOf {
    const pair: [Marks, Marks] = [left.marks, right.marks];
    const unseen = left.kind === 'COMPANY' ? unseenHolders : 0;
    return (field, key) => {
      const count = this.#counts.get(field)?.get(key);
      const others = (count ? otherHolders(field, count, pair) : 0) + unseen;
      return (others + usualCandidates * byChance[field].EXACT) / (this.#total(field) + usualCandidates);
    };
  }

  /**
   * About as many duplicates for each candidate as the records of one company that share a name, number or house say, and for persons
   * and samples one, among all the others. A shared value that only these two have is worth about as many bits as the prior takes,
   * whatever the number of candidates, so a sample scores a pair about as the whole set does.
   */
  get priorOdds(): number {
    this.#priorOdds ??= this.#duplicatesEach() / (this.#candidates + usualCandidates);
    return this.#priorOdds;
  }

  #duplicatesEach(): number {
    if (this.isSample || !this.#counts.has('companyName')) return 1;
    const found = Math.max(
      this.#alikeEach('companyName', sameCustomer.companyName.EXACT),
      this.#alikeEach('phone', sameCustomer.phone.EXACT),
      this.#alikeEach('house', sameCustomer.street.EXACT),
    );
    return (found * this.#candidates + usualCandidates) / (this.#candidates + usualCandidates);
  }

  /** With how many others a record shares a value that is hardly more than one company's. @param chance that duplicates share it */
  #alikeEach(field: CountedField, chance: number): number {
    let [pairs, records] = [0, 0];
    for (const count of this.#counts.get(field)?.values() ?? []) {
      records += count.records;
      if (holders(field, count) <= 2) pairs += count.records * (count.records - 1);
    }
    return pairs / (records * chance + usualCandidates);
  }

  #total(field: CountedField): number {
    let total = this.#totals.get(field);
    if (total === undefined) {
      total = 0;
      for (const count of this.#counts.get(field)?.values() ?? []) total += Math.max(1, holders(field, count));
      this.#totals.set(field, total);
    }
    return total;
  }
}

/**
 * How many persons or companies have a value. Of companies, records with one name are one for what is a company's alone, and so are
 * those at one place for a name, which chains have at many: a value is not common because its company is there many times.
 */
function holders(field: CountedField, { records, names, places }: ValueCount): number {
  return names.size === 0 ? records : heldBy(field, names.size, places.size);
}

/** Those besides a pair: what is to be found out is whether these two are one or two of them. */
function otherHolders(field: CountedField, count: ValueCount, [left, right]: [Marks, Marks]): number {
  const { records, names, places } = count;
  if (names.size === 0) return records;
  const others = (marks: ReadonlySet<string>, one: string, other: string) =>
    marks.size - Number(marks.has(one)) - Number(one !== other && marks.has(other));
  const byName = others(names, left.name, right.name);
  return heldBy(field, byName, others(places, left.place, right.place));
}

function heldBy(field: CountedField, byName: number, byPlace: number): number {
  switch (field) {
    case 'companyName':
    case 'companyWord':
      return byPlace;
    case 'phone':
    case 'domain':
    case 'email':
    case 'emailDomain':
      return Math.max(byName, byPlace);
    default:
      return byName;
  }
}

function countedTerms(values: ComparableValues): [CountedField, string[]][] {
  const of = (terms: ({ key: string } | undefined)[]) => terms.flatMap((term) => (term ? [term.key] : []));
  const { emails, addresses, identifiers } = values;
  const isCompany = values.kind === 'COMPANY';
  const all: [CountedField, string[]][] = [
    ['givenName', of([values.givenName])],
    ['familyName', of([values.familyName])],
    ['companyName', of([values.companyName])],
    ['companyWord', values.companyName?.key.split(' ') ?? []],
    ['birthDate', of([values.birthDate])],
    ['email', of(emails)],
    ['emailLocal', emails.map(({ local }) => local)],
    ['emailDomain', emails.map(({ domain }) => domain)],
    ['phone', of(values.phones)],
    ['domain', of(values.domains)],
    ['identifier', of(identifiers)],
    ['house', isCompany ? addresses.flatMap(({ street }) => (street ? [houseKey(street)] : [])) : []],
    ['street', of(addresses.map(({ street }) => street))],
    ['postalCode', of(addresses.map(({ postalCode }) => postalCode))],
    ['city', of(addresses.map(({ city }) => city))],
    ['state', of(addresses.map(({ state }) => state))],
    ['country', of(addresses.map(({ country }) => country))],
  ];
  return all.filter(([, terms]) => terms.length > 0);
}
