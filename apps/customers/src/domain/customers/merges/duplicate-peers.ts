import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { byCondition, executeWith, type PlannerSettings } from '../../../engine/query/list/planner-settings.js';
import { smallTenantRecords } from '../../../engine/query/list/tenant-size.js';

/** A term and the live customers that have it. */
export interface SharedTerm {
  term: string;
  ids: string[];
}

/** Most customers that are read to find shared terms: all of a small tenant. */
const maxRows = smallTenantRecords;

/**
 * The customers with each of the terms. Terms of more than `maxHits` live customers are ignored because they identify
 * too little, and so are terms of fewer than `minHits`: a stored customer has its own. In a small tenant all customers are read instead of using the
 * index of terms: rows written since the last vacuum are in the index's pending list, which each lookup reads in full.
 */
export async function sharedTerms(
  em: EntityManager,
  terms: string[],
  { maxHits, minHits = 2, isSmall }: { maxHits: number; minHits?: number; isSmall: boolean },
): Promise<SharedTerm[]> {
  if (terms.length === 0) return [];
  return (
    (await ofAllAtOnce(em, terms, { maxHits, minHits, isSmall })) ?? (await oneByOne(em, terms, { maxHits, minHits }))
  );
}

/**
 * At most `most` of the customers that share terms, first those that share the most. A rare term counts for more: it is
 * evidence of log(1 / share), as for Fellegi and Sunter.
 *
 * @param isPeer whether a customer is to be compared at all
 */
export function closestPeers(
  shared: Iterable<SharedTerm>,
  { most, maxHits, isPeer }: { most: number; maxHits: number; isPeer: (id: string) => boolean },
): string[] {
  const weights = new Map<string, number>();
  for (const { ids } of shared) {
    const weight = Math.log((maxHits + 1) / ids.length);
    for (const id of ids) if (isPeer(id)) weights.set(id, (weights.get(id) ?? 0) + weight);
  }
  return [...weights]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([id]) => id);
}

/** Without statistics of terms, the planner would choose a nested loop or a sort of all terms. */
const byHash: PlannerSettings = { ...byCondition, enable_nestloop: 'off', enable_mergejoin: 'off', enable_sort: 'off' };

/** Undefined when some terms are too common for that. */
async function ofAllAtOnce(
  em: EntityManager,
  terms: string[],
  { maxHits, minHits, isSmall }: { maxHits: number; minHits: number; isSmall: boolean },
): Promise<SharedTerm[] | undefined> {
  // Materialized separately: merged, the steps would be a product of all customers and all terms.
  const sql = `
    with wanted as materialized (select jsonb_array_elements_text(?) as term),
    hit as materialized (
      select id, terms from customer
      where tenant_id = ? and delete_time is null
        ${isSmall ? '' : 'and terms && array(select term from wanted)'}
      limit ?),
    own as materialized (select id, unnest(terms) as term from hit)
    select rows, term, ids
    from (select count(*)::int as rows from hit) counted
    left join (
      select term, array_agg(id) as ids from own join wanted using (term)
      group by term having count(*) between ? and ?) shared on true`;
  const params = [JSON.stringify(terms), currentCaller().tenantId, maxRows + 1, minHits, maxHits];
  const found = await executeWith<{ rows: number; term: string | null; ids: string[] }>(em, byHash, { sql, params });
  if (found.some(({ rows }) => rows > maxRows)) return undefined;
  return found.flatMap(({ term, ids }) => (term === null ? [] : [{ term, ids }]));
}

/** Reads at most `maxHits` customers for each term. */
function oneByOne(
  em: EntityManager,
  terms: string[],
  { maxHits, minHits }: { maxHits: number; minHits: number },
): Promise<SharedTerm[]> {
  const sql = `
    select wanted.term, hits.ids
    from jsonb_array_elements_text(?) as wanted (term)
    cross join lateral (
      select array_agg(id) as ids from (
        select id from customer
        where tenant_id = ? and delete_time is null and terms @> array[wanted.term] limit ?) hit
    ) hits
    where cardinality(hits.ids) between ? and ?`;
  const params = [JSON.stringify(terms), currentCaller().tenantId, maxHits + 1, minHits, maxHits];
  return executeWith(em, byCondition, { sql, params });
}
