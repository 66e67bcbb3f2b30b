import { comparableValues, type ComparableValues } from './comparable-values.js';
import type { DuplicateCandidate } from './duplicate-candidate.js';
import { byChance } from './linkage-weights.js';

/** The fields whose values are counted. `emailLocal` and `emailDomain` are the parts before and after the @. */
export type CountedField = keyof typeof byChance;

/**
 * How common each value is, so that a shared rare name counts for more than a shared common one (Newcombe 1959; Fellegi
 * and Sunter 1969, method I). Counted from any set of candidates: all of a tenant, a sample, or the hits of a query. From
 * few candidates the shares lean on what is usual for the field, and both prior and weights move towards caution.
 */
export class TermFrequencies {
  readonly #counts = new Map<CountedField, Map<string, number>>();
  readonly #totals = new Map<CountedField, number>();
  #candidates = 0;

  /** Counts all of them. */
  static of(candidates: Iterable<DuplicateCandidate>): TermFrequencies {
    const frequencies = new TermFrequencies();
    for (const candidate of candidates) frequencies.add(comparableValues(candidate));
    return frequencies;
  }

  /** Counts one more candidate that was read before. */
  add(values: ComparableValues): void {
    this.#candidates += 1;
    for (const [field, terms] of countedTerms(values)) {
      const counts = this.#counts.get(field) ?? new Map<string, number>();
      this.#counts.set(field, counts);
      this.#totals.set(field, (this.#totals.get(field) ?? 0) + 1);
      for (const key of new Set(terms)) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }

  /** The share, above 0 and below 1, of candidates with this value among those that have the field. */
  share(field: CountedField, key: string): number {
    const count = this.#counts.get(field)?.get(key) ?? 0;
    const total = this.#totals.get(field) ?? 0;
    return (count + usualCandidates * byChance[field].EXACT) / (total + usualCandidates);
  }

  /**
   * Odds that two candidates taken at random are the same: about one duplicate for each candidate, among all the others.
   * A shared value that only these two have is worth about as many bits as the prior takes, whatever the number of
   * candidates, so a sample scores a pair about as the whole set does.
   */
  get priorOdds(): number {
    return 1 / (this.#candidates + usualCandidates);
  }
}

/** For how many counted candidates the usual share of a field stands. */
const usualCandidates = 50;

function countedTerms(values: ComparableValues): [CountedField, string[]][] {
  const of = (terms: ({ key: string } | undefined)[]) => terms.flatMap((term) => (term ? [term.key] : []));
  const { emails, addresses, identifiers } = values;
  const all: [CountedField, string[]][] = [
    ['givenName', of([values.givenName])],
    ['familyName', of([values.familyName])],
    ['companyName', of([values.companyName])],
    ['birthDate', of([values.birthDate])],
    ['email', of(emails)],
    ['emailLocal', emails.map(({ local }) => local)],
    ['emailDomain', emails.map(({ domain }) => domain)],
    ['phone', of(values.phones)],
    ['domain', of(values.domains)],
    ['identifier', of(identifiers)],
    ['street', of(addresses.map(({ street }) => street))],
    ['postalCode', of(addresses.map(({ postalCode }) => postalCode))],
    ['city', of(addresses.map(({ city }) => city))],
    ['state', of(addresses.map(({ state }) => state))],
    ['country', of(addresses.map(({ country }) => country))],
  ];
  return all.filter(([, terms]) => terms.length > 0);
}
