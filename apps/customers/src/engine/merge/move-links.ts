import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import type { MovedLinks, RemovedLink } from './merge-undo.js';

/** Moves the links of a merged customer to the customer that stays. */
export async function moveLinks(em: EntityManager, mergedId: string, customerId: string): Promise<MovedLinks> {
  const { tenantId } = currentCaller();
  const removed = await em.execute<RemovedLink[]>(
    `delete from customer_association link
     using (
       select id, type, case from_customer_id when ? then ?::uuid else from_customer_id end as from_id,
         case to_customer_id when ? then ?::uuid else to_customer_id end as to_id
       from customer_association where tenant_id = ? and (from_customer_id = ? or to_customer_id = ?)
     ) moved
     where link.tenant_id = ? and link.id = moved.id and (
       moved.from_id = moved.to_id
       or exists (
         select from customer_association other
         where other.tenant_id = ? and other.from_customer_id = moved.from_id and other.type = moved.type
           and other.to_customer_id = moved.to_id))
     returning link.id, link.from_customer_id, link.type, link.to_customer_id, link.role, to_json(link.labels) as labels,
       link.version, to_json(link.create_time at time zone 'UTC')#>>'{}' || 'Z' as create_time`,
    [mergedId, customerId, mergedId, customerId, tenantId, mergedId, mergedId, tenantId, tenantId],
  );
  return {
    from: await moveEnds(em, 'from_customer_id', mergedId, customerId),
    to: await moveEnds(em, 'to_customer_id', mergedId, customerId),
    removed,
  };
}

/**
 * Replaces the customer at one end of links.
 *
 * @param ids of the links to change; all links of `oldId` when absent
 * @returns the ids of the links that were changed
 */
export async function moveEnds(
  em: EntityManager,
  end: 'from_customer_id' | 'to_customer_id',
  oldId: string,
  newId: string,
  ids?: string[],
): Promise<string[]> {
  const { tenantId } = currentCaller();
  const rows = await em.execute<{ id: string }[]>(
    `update customer_association set ${end} = ?, version = version + 1, update_time = ?
     where tenant_id = ? and ${end} = ?
       ${ids ? 'and id in (select value::uuid from jsonb_array_elements_text(?))' : ''}
     returning id`,
    [newId, new Date().toISOString(), tenantId, oldId, ...(ids ? [JSON.stringify(ids)] : [])],
  );
  return rows.map(({ id }) => id);
}
