import { comparableValues, houseKey, type ComparableValues, type Marks } from './comparable-values.js';
import type { DuplicateCandidate } from './duplicate-candidate.js';
import { byChance, sameCustomer, unseenHolders } from './linkage-weights.js';

/**
 * The fields with counted values. `emailLocal` and `emailDomain` are the parts before and after the @, `companyWord`
 * the words of a company's name, and `house` a street with its number.
 */
export type CountedField = keyof typeof byChance;

/** The share of candidates with a value among those that have the field, above 0 and below 1. */
export type ShareOf = (field: CountedField, key: string) => number;

/**
 * Strength of the prior: the number of counted candidates that the default share of a field, and the default number of
 * duplicates, are worth.
 */
const usualCandidates = 50;

/**
 * The frequency of each value, so that a shared rare name counts for more than a shared common one (Newcombe 1959;
 * Fellegi and Sunter 1969, method I). Counted from any set of candidates: all of a tenant, a sample, or the hits of a
 * query. With few candidates the shares tend towards the defaults of the field, and both prior and weights become
 * cautious.
 */
export class TermFrequencies {
  readonly #kinds: Readonly<Record<DuplicateCandidate['kind'], KindFrequencies>>;

  /**
   * @param isSample whether the candidates are a sample of the compared ones: then the counterpart of most duplicates
   *   is missing
   */
  constructor({ isSample = false }: { isSample?: boolean } = {}) {
    this.#kinds = { PERSON: new KindFrequencies(isSample), COMPANY: new KindFrequencies(isSample) };
  }

  /** Counts all candidates. */
  static of(candidates: Iterable<DuplicateCandidate>, options: { isSample?: boolean } = {}): TermFrequencies {
    const frequencies = new TermFrequencies(options);
    for (const candidate of candidates) frequencies.add(comparableValues(candidate));
    return frequencies;
  }

  /** Counts one more parsed candidate. */
  add(values: ComparableValues): void {
    this.#kinds[values.kind].add(values);
  }

  /** The shares of values among candidates other than these two, which are of one kind. */
  beside(left: ComparableValues, right: ComparableValues): ShareOf {
    return this.#kinds[left.kind].beside(left, right);
  }

  /** Odds that two random candidates of a kind are the same. */
  priorOdds(kind: DuplicateCandidate['kind']): number {
    return this.#kinds[kind].priorOdds;
  }
}

/** Number of records with each value. For companies, also their distinct names and places. */
interface ValueCount {
  records: number;
  names: Set<string>;
  places: Set<string>;
}

class KindFrequencies {
  readonly #counts = new Map<CountedField, Map<string, ValueCount>>();
  /** Number of holders of all values of a field, until more are added. */
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
   * The prior odds: per candidate, about as many duplicates as the records of one company that share a name, number or
   * house suggest, and one for persons and samples, among all others. A value shared by these two only is worth about
   * as many bits as the prior takes, whatever the number of candidates, so a sample scores a pair about as the whole
   * set does.
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

  /**
   * Number of others with which a record shares a value that seldom belongs to more than one company. @param chance
   * that duplicates share it
   */
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
 * Number of persons or companies with a value. Records with one company name count once for a value that belongs to a
 * single company, and records at one place count once for a name, which chains have at many places: several records of
 * one company do not make its value common.
 */
function holders(field: CountedField, { records, names, places }: ValueCount): number {
  return names.size === 0 ? records : heldBy(field, names.size, places.size);
}

/** Excludes the pair itself: whether the two are one or two customers is the question. */
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
