import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import type { LinkTable } from '../../records/referring/link-tables.js';
import type { MovedLinks, RemovedLink } from '../merge-undo.js';

/** Moves the associations of a merged customer to the surviving customer. */
export async function moveLinks(
  em: EntityManager,
  links: LinkTable,
  mergedId: string,
  customerId: string,
): Promise<MovedLinks> {
  const { tenantId } = currentCaller();
  const { table, from, to, types } = links;
  const removed = await em.execute<RemovedLink[]>(
    `delete from ${table} link
     using (
       select id, type, case ${from} when ? then ?::uuid else ${from} end as from_id,
         case ${to} when ? then ?::uuid else ${to} end as to_id
       from ${table} where tenant_id = ? and (${from} = ? or ${to} = ?)
     ) moved
     where link.tenant_id = ? and link.id = moved.id and (
       moved.from_id = moved.to_id
       or exists (
         select from ${table} other
         where other.tenant_id = ? and other.${from} = moved.from_id and other.type = moved.type
           and other.${to} = moved.to_id))
     returning link.id, link.${from} as from_customer_id, link.type, link.${to} as to_customer_id,
       ${types.map((column) => `link.${column}, `).join('')} link.role, to_json(link.labels) as labels,
       link.version, to_json(link.create_time at time zone 'UTC')#>>'{}' || 'Z' as create_time`,
    [mergedId, customerId, mergedId, customerId, tenantId, mergedId, mergedId, tenantId, tenantId],
  );
  return {
    from: await moveEnds(em, links, 'from', { oldId: mergedId, newId: customerId }),
    to: await moveEnds(em, links, 'to', { oldId: mergedId, newId: customerId }),
    removed,
  };
}

/** The customer at an end, its replacement, and the associations to change: all when omitted. */
interface MovedEnd {
  oldId: string;
  newId: string;
  ids?: string[] | undefined;
}

/**
 * Replaces the customer at one end of associations.
 *
 * @returns the ids of the changed associations
 */
export async function moveEnds(
  em: EntityManager,
  { table, ...columns }: LinkTable,
  end: 'from' | 'to',
  { oldId, newId, ids }: MovedEnd,
): Promise<string[]> {
  const { tenantId } = currentCaller();
  const column = columns[end];
  const rows = await em.execute<{ id: string }[]>(
    `update ${table} set ${column} = ?, version = version + 1, update_time = ?
     where tenant_id = ? and ${column} = ?
       ${ids ? 'and id in (select value::uuid from jsonb_array_elements_text(?))' : ''}
     returning id`,
    [newId, new Date().toISOString(), tenantId, oldId, ...(ids ? [JSON.stringify(ids)] : [])],
  );
  return rows.map(({ id }) => id);
}
