import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type {
  Duplicate,
  FindDuplicatesRequest,
  FindDuplicatesResponse,
} from '@rapport/contracts/rapport/customers/v1/merges_service';
import { Turns } from '../../../engine/pace/bulk-pace.js';
import { liveRecord } from '../../../engine/records/missing-record.js';
import { comparableValues } from '../duplicates/comparable-values.js';
import { customerCandidate, duplicateTerms } from '../duplicates/customer-candidate.js';
import { scoreValues } from '../duplicates/score-pair.js';
import { customerType } from '../../../engine/records/customers/customer-type.js';
import { closestPeers, sharedTerms } from './duplicate-peers.js';
import { customersById } from './read-customers.js';
import type { TenantFrequencies } from './tenant-frequencies.js';

export const defaultMinScore = 50;
const defaultPageSize = 20;
const maxHits = 500;
/** Customers that are compared: a customer with a dozen common terms shares them with thousands. */
const maxPeers = 1_000;

/** Handles FindDuplicates. */
export async function findDuplicates(
  em: EntityManager,
  tenantFrequencies: TenantFrequencies,
  { id, minScore = defaultMinScore, pageSize = defaultPageSize }: FindDuplicatesRequest,
): Promise<FindDuplicatesResponse> {
  const [found] = await customersById(em, [id]);
  const customer = await liveRecord(em, customerType(), id, found);
  const duplicates = await duplicatesOf(em, tenantFrequencies, customer);
  return { duplicates: duplicates.filter(({ score }) => score >= minScore).slice(0, pageSize) };
}

/** The live customers that may be the same as a stored one, or as a new one without an id, most probable first. */
export async function duplicatesOf(
  em: EntityManager,
  tenantFrequencies: TenantFrequencies,
  customer: Customer,
): Promise<Duplicate[]> {
  const minHits = customer.id === '' ? 1 : 2;
  const shared = await sharedTerms(em, duplicateTerms(customer), { maxHits, minHits, isSmall: false });
  const ids = closestPeers(shared, { most: maxPeers, maxHits, isPeer: (id) => id !== customer.id });
  if (ids.length === 0) return [];

  const frequencies = await tenantFrequencies.get(em);
  const values = comparableValues(customerCandidate(customer));
  const peers = await customersById(em, ids);
  const compared = await new Turns().map(peers, (peer): Duplicate => {
    const { score, evidence } = scoreValues(values, comparableValues(customerCandidate(peer)), frequencies);
    return { customer: peer, score: percent(score), evidence };
  });
  return compared.sort((a, b) => b.score - a.score || (a.customer?.id ?? '').localeCompare(b.customer?.id ?? ''));
}

/** Truncates a probability to two decimal places: a displayed score never exceeds the compared one. */
export function percent(probability: number): number {
  return Math.floor(probability * 10_000) / 100;
}
