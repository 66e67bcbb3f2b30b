import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type {
  DuplicatePair,
  ListDuplicatesRequest,
  ListDuplicatesResponse,
} from '@rapport/contracts/rapport/customers/v1/merges_service';
import { forkBeyondScope, type PageTokenKey, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { comparableValues, type ComparableValues } from '../duplicates/comparable-values.js';
import { customerCandidate, duplicateTerms } from '../duplicates/customer-candidate.js';
import { scoreValues } from '../duplicates/score-pair.js';
import type { TermFrequencies } from '../duplicates/term-frequencies.js';
import { customerType } from '../../../engine/records/customers/customer-type.js';
import { Turns } from '../../../engine/pace/bulk-pace.js';
import { isSmallTenant } from '../../../engine/query/list/tenant-size.js';
import { closestPeers, sharedTerms } from './duplicate-peers.js';
import { defaultMinScore, percent } from './find-duplicates.js';
import { customersAfter, customersById, lowestId } from './read-customers.js';
import type { TenantFrequencies } from './tenant-frequencies.js';

const defaultPageSize = 500;
/**
 * Customers processed together, customers that share a term, and peers compared with one customer. These bound memory.
 */
const chunkSize = 50;
const maxHits = 200;
const maxPeers = 200;
/**
 * Comparisons after which a page ends with the customer that it is at. Where hundreds share a name, a page of 500 customers would compare
 * 100,000 pairs: for seconds, with an answer of a hundred megabytes.
 */
const maxComparisons = 5_000;

/**
 * Handles ListDuplicates: one page of customers by id, each compared with those of greater ids that share a term with
 * it, so that a pair is on the page of its smaller id.
 */
export async function listDuplicates(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  tenantFrequencies: TenantFrequencies,
  { minScore = defaultMinScore, pageSize = defaultPageSize, pageToken }: ListDuplicatesRequest,
): Promise<ListDuplicatesResponse> {
  const { tenantId } = currentCaller();
  const binding = JSON.stringify(['ListDuplicates', tenantId, minScore]);
  const [after] = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  // One row beyond the page shows that there is a next page.
  const rows = await customersAfter(em, typeof after === 'string' ? after : lowestId, pageSize + 1);
  const page = rows.slice(0, pageSize);
  const isSmall = await isSmallTenant(forkBeyondScope(em), customerType(), tenantId);
  const comparison = { minScore, isSmall, frequencies: await tenantFrequencies.get(em), turns: new Turns() };
  const step = isSmall ? pageSize : chunkSize;
  const pairs: DuplicatePair[] = [];
  let [examined, compared] = [0, 0];
  while (examined < page.length && compared < maxComparisons) {
    const part = await examine(em, page.slice(examined, examined + step), maxComparisons - compared, comparison);
    pairs.push(...part.pairs);
    examined += part.examined;
    compared += part.compared;
  }
  const last = examined < rows.length ? page[examined - 1] : undefined;
  return {
    pairs: pairs.sort((a, b) => b.score - a.score),
    nextPageToken: last && signPageToken(pageTokenKey, binding, [last.id]),
  };
}

interface Comparison {
  minScore: number;
  isSmall: boolean;
  frequencies: TermFrequencies;
  turns: Turns;
}

/**
 * Compares the first of some customers with their peers, at least one of them.
 *
 * @param most comparisons after which no further customer is examined
 */
async function examine(
  em: EntityManager,
  rows: Customer[],
  most: number,
  { minScore, isSmall, frequencies, turns }: Comparison,
): Promise<{ pairs: DuplicatePair[]; examined: number; compared: number }> {
  const terms = rows.map((row) => duplicateTerms(row));
  const shared = await sharedTerms(em, [...new Set(terms.flat())], { maxHits, isSmall });
  const sharedByTerm = new Map(shared.map((each) => [each.term, each]));
  const lefts: { row: Customer; peerIds: string[] }[] = [];
  let compared = 0;
  for (const [index, row] of rows.entries()) {
    if (compared >= most) break;
    const own = (terms[index] ?? []).flatMap((term) => sharedByTerm.get(term) ?? []);
    const peerIds = closestPeers(own, { most: maxPeers, maxHits, isPeer: (id) => id > row.id });
    lefts.push({ row, peerIds });
    compared += peerIds.length;
  }
  const peers = await findPeers(em, rows, new Set(lefts.flatMap(({ peerIds }) => peerIds)), turns);
  const pairs = await turns.map(lefts, ({ row, peerIds }) => {
    const left = valuesOf(row);
    return peerIds.flatMap((rightId): DuplicatePair[] => {
      const right = peers.get(rightId);
      if (!right) return [];
      const { score, evidence } = scoreValues(left, right, frequencies);
      if (percent(score) < minScore) return [];
      return [{ leftId: row.id, rightId, score: percent(score), evidence }];
    });
  });
  return { pairs: pairs.flat(), examined: lefts.length, compared };
}

async function findPeers(
  em: EntityManager,
  known: Customer[],
  ids: ReadonlySet<string>,
  turns: Turns,
): Promise<Map<string, ComparableValues>> {
  const found = known.filter(({ id }) => ids.has(id));
  const knownIds = new Set(found.map(({ id }) => id));
  const rows = await customersById(
    em,
    [...ids].filter((id) => !knownIds.has(id)),
  );
  return new Map(await turns.map([...found, ...rows], (row) => [row.id, valuesOf(row)] as const));
}

function valuesOf(row: Customer): ComparableValues {
  return comparableValues(customerCandidate(row));
}
