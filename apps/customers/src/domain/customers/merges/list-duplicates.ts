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
import { isSmallTenant } from '../../../engine/query/list/tenant-size.js';
import { sharedTerms } from './duplicate-peers.js';
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
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  const pairs: DuplicatePair[] = [];
  const isSmall = await isSmallTenant(forkBeyondScope(em), customerType(), tenantId);
  const frequencies = await tenantFrequencies.get(em);
  const step = isSmall ? pageSize : chunkSize;
  for (let start = 0; start < page.length; start += step) {
    pairs.push(...(await pairsOf(em, frequencies, page.slice(start, start + step), { minScore, isSmall })));
  }
  return {
    pairs: pairs.sort((a, b) => b.score - a.score),
    nextPageToken: last && signPageToken(pageTokenKey, binding, [last.id]),
  };
}

async function pairsOf(
  em: EntityManager,
  frequencies: TermFrequencies,
  rows: Customer[],
  { minScore, isSmall }: { minScore: number; isSmall: boolean },
): Promise<DuplicatePair[]> {
  const lefts = rows.map((row) => ({ values: valuesOf(row), terms: duplicateTerms(row) }));
  const shared = await sharedTerms(em, [...new Set(lefts.flatMap(({ terms }) => terms))], { maxHits, isSmall });
  const idsByTerm = new Map(shared.map(({ term, ids }) => [term, ids]));
  const peerIds = lefts.map(({ values, terms }) => closestPeers(values.id, terms, idsByTerm));
  const peers = await findPeers(em, rows, [...new Set(peerIds.flat())]);
  return lefts.flatMap(({ values: left }, index) =>
    (peerIds[index] ?? []).flatMap((rightId): DuplicatePair[] => {
      const right = peers.get(rightId);
      if (!right) return [];
      const { score, evidence } = scoreValues(left, right, frequencies);
      if (percent(score) < minScore) return [];
      return [{ leftId: left.id, rightId, score: percent(score), evidence }];
    }),
  );
}

/** Those with a greater id that share the most terms. */
function closestPeers(id: string, terms: string[], idsByTerm: ReadonlyMap<string, string[]>): string[] {
  const counts = new Map<string, number>();
  for (const peerId of terms.flatMap((term) => idsByTerm.get(term) ?? [])) {
    if (peerId > id) counts.set(peerId, (counts.get(peerId) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, maxPeers)
    .map(([peerId]) => peerId);
}

async function findPeers(em: EntityManager, known: Customer[], ids: string[]): Promise<Map<string, ComparableValues>> {
  const knownIds = new Set(known.map(({ id }) => id));
  const missing = ids.filter((id) => !knownIds.has(id));
  const rows = await customersById(em, missing);
  return new Map([...known, ...rows].map((row) => [row.id, valuesOf(row)]));
}

function valuesOf(row: Customer): ComparableValues {
  return comparableValues(customerCandidate(row));
}
