import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';

/** Most people and links that move with a merge: 40,000 take as long as a statement may, and the record names each. */
const maxMoved = 10_000;

/** @throws AppError FAILED_PRECONDITION MERGE_TOO_LARGE when the customer to merge has too many people and links */
export async function checkSize(em: EntityManager, mergedId: string): Promise<void> {
  const { tenantId } = currentCaller();
  const [row] = await em.execute<{ count: number }[]>(
    `select count(*)::int as count from (
       select id from customer where tenant_id = ? and company_id = ?
       union all select id from customer_association where tenant_id = ? and from_customer_id = ?
       union all select id from customer_association where tenant_id = ? and to_customer_id = ?
       limit ?) moved`,
    [tenantId, mergedId, tenantId, mergedId, tenantId, mergedId, maxMoved + 1],
  );
  if (row !== undefined && row.count <= maxMoved) return;
  const message =
    `More than ${maxMoved.toLocaleString('en')} people and links would move with the merged customer. ` +
    'Merge the other way round, or give some of them to the customer that stays first.';
  throw new AppError('FAILED_PRECONDITION', 'MERGE_TOO_LARGE', message);
}
