import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';

/**
 * Returns an id greater than those of all merges of the tenant: merges are replayed in the order of their ids, and the clock of
 * another pod may be ahead. Call it after `lockMerges`.
 */
export async function nextMergeId(em: EntityManager): Promise<string> {
  const [newest] = await em.execute<{ id: string }[]>(
    'select id from customer_merge where tenant_id = ? order by id desc limit 1',
    [currentCaller().tenantId],
  );
  const id = uuidv7();
  if (!newest || id > newest.id) return id;
  return uuidv7({ msecs: timeOf(newest.id) + 1 });
}

/** The milliseconds since 1970 that a UUIDv7 begins with (RFC 9562, section 5.7). */
function timeOf(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
}
