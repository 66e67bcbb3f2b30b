import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { byCondition, executeWith, type PlannerSettings } from '../../../engine/query/list/planner-settings.js';
import { smallTenantRecords } from '../../../engine/query/list/tenant-size.js';

/** A term and the live customers that have it. */
export interface SharedTerm {
  term: string;
  ids: string[];
}

/** Most customers that are read to find out which of them share a term: all of a small tenant. */
const maxRows = smallTenantRecords;

/**
 * The customers that have each of the terms. A term that more than `maxHits` live customers have says too little and is left out, as
 * is one that only one customer has. In a small tenant all customers are read rather than looked up in the index of terms: rows that
 * were written since the last vacuum are in a list beside the index, which each lookup reads whole.
 */
export async function sharedTerms(
  em: EntityManager,
  terms: string[],
  { maxHits, isSmall }: { maxHits: number; isSmall: boolean },
): Promise<SharedTerm[]> {
  if (terms.length === 0) return [];
  return (await ofAllAtOnce(em, terms, maxHits, isSmall)) ?? (await oneByOne(em, terms, maxHits));
}

/** The planner knows nothing of how many terms there are, and would compare each with each, or sort them all. */
const byHash: PlannerSettings = { ...byCondition, enable_nestloop: 'off', enable_mergejoin: 'off', enable_sort: 'off' };

/** Undefined when some terms are too common for that. */
async function ofAllAtOnce(
  em: EntityManager,
  terms: string[],
  maxHits: number,
  isSmall: boolean,
): Promise<SharedTerm[] | undefined> {
  // Each step is kept apart: mixed, they would be a product of all customers and all terms.
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
      group by term having count(*) between 2 and ?) shared on true`;
  const params = [JSON.stringify(terms), currentCaller().tenantId, maxRows + 1, maxHits];
  const found = await executeWith<{ rows: number; term: string | null; ids: string[] }>(em, byHash, { sql, params });
  if (found.some(({ rows }) => rows > maxRows)) return undefined;
  return found.flatMap(({ term, ids }) => (term === null ? [] : [{ term, ids }]));
}

/** Reads no more than `maxHits` customers for each term. */
function oneByOne(em: EntityManager, terms: string[], maxHits: number): Promise<SharedTerm[]> {
  const sql = `
    select wanted.term, hits.ids
    from jsonb_array_elements_text(?) as wanted (term)
    cross join lateral (
      select array_agg(id) as ids from (
        select id from customer
        where tenant_id = ? and delete_time is null and terms @> array[wanted.term] limit ?) hit
    ) hits
    where cardinality(hits.ids) between 2 and ?`;
  const params = [JSON.stringify(terms), currentCaller().tenantId, maxHits + 1, maxHits];
  return executeWith(em, byCondition, { sql, params });
}
