import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  Duplicate,
  FindDuplicatesRequest,
  FindDuplicatesResponse,
} from '@rapport/contracts/rapport/customers/v1/merges_service';
import { liveRecord } from '../../../engine/records/missing-record.js';
import { comparableValues } from '../duplicates/comparable-values.js';
import { customerCandidate, duplicateTerms } from '../duplicates/customer-candidate.js';
import { scoreValues } from '../duplicates/score-pair.js';
import { customerType } from '../../../engine/records/customers/customer-type.js';
import { sharedTerms } from './duplicate-peers.js';
import { customersById } from './read-customers.js';
import type { TenantFrequencies } from './tenant-frequencies.js';

export const defaultMinScore = 50;
const defaultPageSize = 20;
const maxHits = 500;

/** Handles FindDuplicates. */
export async function findDuplicates(
  em: EntityManager,
  tenantFrequencies: TenantFrequencies,
  { id, minScore = defaultMinScore, pageSize = defaultPageSize }: FindDuplicatesRequest,
): Promise<FindDuplicatesResponse> {
  const [found] = await customersById(em, [id]);
  const customer = await liveRecord(em, customerType(), id, found);
  const shared = await sharedTerms(em, duplicateTerms(customer), { maxHits, isSmall: false });
  const ids = [...new Set(shared.flatMap((hit) => hit.ids))].filter((peerId) => peerId !== id);
  if (ids.length === 0) return { duplicates: [] };

  const frequencies = await tenantFrequencies.get(em);
  const values = comparableValues(customerCandidate(customer));
  const duplicates = (await customersById(em, ids))
    .map((peer): Duplicate => {
      const { score, evidence } = scoreValues(values, comparableValues(customerCandidate(peer)), frequencies);
      return { customer: peer, score: percent(score), evidence };
    })
    .filter(({ score }) => score >= minScore)
    .sort((a, b) => b.score - a.score || (a.customer?.id ?? '').localeCompare(b.customer?.id ?? ''));
  return { duplicates: duplicates.slice(0, pageSize) };
}

/** Truncates a probability to two decimal places: a displayed score never exceeds the compared one. */
export function percent(probability: number): number {
  return Math.floor(probability * 10_000) / 100;
}
