import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';
import { Association } from './association.entity.js';

/**
 * A link that is shown: both of its customers are live.
 *
 * @param lock true to keep others from changing it until the transaction ends
 * @throws AppError NOT_FOUND
 */
export async function findShown(em: EntityManager, id: string, lock = false): Promise<Association> {
  const { tenantId } = currentCaller();
  const association = await em.findOne(
    Association,
    { tenantId, id },
    lock ? { lockMode: LockMode.PESSIMISTIC_WRITE } : {},
  );
  if (association) {
    const [{ live } = { live: 0 }] = await em.execute<{ live: number }[]>(
      'select count(*)::int as live from customer where tenant_id = ? and id in (?) and delete_time is null',
      [tenantId, [association.from[1], association.to[1]]],
    );
    if (live === 2) return association;
  }
  throw new AppError('NOT_FOUND', 'ASSOCIATION_NOT_FOUND', 'There is no such association.');
}
