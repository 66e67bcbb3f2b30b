import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, type StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';

/** NOT_FOUND for a customer that was erased; undefined for any other. */
export async function erasedError(
  source: EntityManager | StatementTransaction,
  id: string,
): Promise<AppError | undefined> {
  const [erasure] = await queryRows<{ id: string }>(source, {
    name: 'erasure_of_customer',
    sql: 'select id from erasure where tenant_id = $1 and customer_ids @> array[$2::text] limit 1',
    values: [currentCaller().tenantId, id],
  });
  if (!erasure) return undefined;
  const metadata = { erasureId: erasure.id };
  return new AppError('NOT_FOUND', 'CUSTOMER_ERASED', 'The customer was erased.', { metadata });
}
