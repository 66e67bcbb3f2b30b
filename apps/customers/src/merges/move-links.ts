import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import type { MovedLinks, RemovedLink } from './merge-undo.js';
import { survivors } from './merged-into.js';

/** Moves the links of a merged customer to the one that stays. */
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

/** Gives the links of a merge back to the customer that is no longer merged, as far as they are still there. */
export async function moveLinksBack(
  em: EntityManager,
  links: MovedLinks,
  customerId: string,
  restoredId: string,
): Promise<void> {
  await moveEnds(em, 'from_customer_id', customerId, restoredId, links.from);
  await moveEnds(em, 'to_customer_id', customerId, restoredId, links.to);
  await insertAgain(em, links.removed);
}

/**
 * Puts another customer into one end of links.
 *
 * @param ids those links only
 * @returns the ids of the links
 */
async function moveEnds(
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

/** A customer at their other end may have been merged meanwhile. */
async function insertAgain(em: EntityManager, removed: RemovedLink[]): Promise<void> {
  const ends = removed.flatMap((link) => [link.from_customer_id, link.to_customer_id]);
  const merged = await survivors(em, [...new Set(ends)]);
  const links = removed
    .map((link) => ({
      ...link,
      version: link.version + 1,
      from_customer_id: merged.get(link.from_customer_id) ?? link.from_customer_id,
      to_customer_id: merged.get(link.to_customer_id) ?? link.to_customer_id,
    }))
    .filter((link) => link.from_customer_id !== link.to_customer_id);
  if (links.length === 0) return;
  await em.execute(
    `insert into customer_association
       (tenant_id, id, from_customer_id, type, to_customer_id, role, labels, version, create_time, update_time)
     select ?, id, from_customer_id, type, to_customer_id, role, array (select jsonb_array_elements_text(labels)),
       version, create_time, ?
     from jsonb_to_recordset(?) as link (id uuid, from_customer_id uuid, type text, to_customer_id uuid, role text,
       labels jsonb, version int, create_time timestamptz)
     on conflict do nothing`,
    [currentCaller().tenantId, new Date().toISOString(), JSON.stringify(links)],
  );
}
