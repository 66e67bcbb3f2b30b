import type { EntityManager } from '@mikro-orm/postgresql';
import { allTenants } from '@rapport/contracts';
import { readForTenant } from '@rapport/persistence';

/**
 * The time since which the log has every change of a type: that of the newest change that was dropped or could not be
 * logged.
 *
 * @param type its name in the log
 */
export async function knownSince(em: EntityManager, type: string): Promise<{ epoch: string; time: Date }> {
  const [log] = await readForTenant<{ epoch: string; time_ms: number }>(em, {
    name: 'known_since',
    sql: `select epoch, ceil(extract(epoch from greatest(dropped_time, (
        select max(time) from change_log where tenant_id = '${allTenants}' and type = $1))) * 1000)
        ::double precision as time_ms
      from change_log_state`,
    values: [type],
  });
  if (!log) throw new Error('The change log has no state.');
  return { epoch: log.epoch, time: new Date(Number(log.time_ms)) };
}
