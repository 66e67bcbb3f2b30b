import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';

/** Up to this many ids, each response is searched for each id. */
const maxSearchedIds = 100;

/** Most responses per read of ids. */
const pageSize = 500;

/**
 * Clears the stored responses of idempotency keys that contain one of the ids. A cleared key has neither a response nor a request hash.
 *
 * @returns how many
 */
export async function eraseAnswers(em: EntityManager, ids: readonly string[]): Promise<number> {
  if (ids.length <= maxSearchedIds) return clearContaining(em, ids);
  const erased = new Set(ids);
  let [count, last]: [number, AnswerIds | undefined] = [0, undefined];
  do {
    const page: AnswerIds[] = await idsInAnswers(em, last);
    const found = page.filter((answer) => answer.ids.some((id) => erased.has(id)));
    if (found.length > 0) count += await clear(em, found);
    last = page.length === pageSize ? page.at(-1) : undefined;
  } while (last !== undefined);
  return count;
}

interface AnswerIds {
  principal: string;
  key: string;
  ids: string[];
}

async function clearContaining(em: EntityManager, ids: readonly string[]): Promise<number> {
  return (await queryRows(em, clearAnswers(ids))).length;
}

/** Clears the stored responses that contain one of a few ids. */
export function clearAnswers(ids: readonly string[]): Statement {
  return {
    name: 'erase_idempotency_answers',
    sql: `update idempotency_key set request_hash = '', response = ''
      where tenant_id = $1 and exists (
        select from unnest($2::text[]) as erased (id) where position(convert_to(erased.id, 'UTF8') in response) > 0)
      returning key`,
    values: [currentCaller().tenantId, ids],
  };
}

/**
 * Extracts everything that looks like an id from the responses of a page of keys: with very many ids, searching for
 * each would take hours.
 */
function idsInAnswers(em: EntityManager, after: AnswerIds | undefined): Promise<AnswerIds[]> {
  return queryRows<AnswerIds>(em, {
    name: 'ids_in_answers',
    sql: `select principal_id as principal, key, array(
        select distinct found[1] from regexp_matches(
          encode(response, 'escape'), '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'g') as found) as ids
      from idempotency_key where tenant_id = $1 and ($2::text is null or (principal_id, key) > ($2, $3))
      order by principal_id, key limit ${pageSize}`,
    values: [currentCaller().tenantId, after?.principal ?? null, after?.key ?? null],
  });
}

async function clear(em: EntityManager, answers: readonly AnswerIds[]): Promise<number> {
  const rows = await queryRows(em, {
    name: 'clear_idempotency_answers',
    sql: `update idempotency_key set request_hash = '', response = ''
      where tenant_id = $1 and (principal_id, key) in (select * from unnest($2::text[], $3::text[])) returning key`,
    values: [currentCaller().tenantId, answers.map(({ principal }) => principal), answers.map(({ key }) => key)],
  });
  return rows.length;
}
