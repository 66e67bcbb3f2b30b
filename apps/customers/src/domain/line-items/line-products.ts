import type { LineItem } from '@rapport/contracts/rapport/sales/v1/line_item';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';

/** The lines of another record, without references to products that have been deleted. */
export async function withLiveProducts(
  transaction: StatementTransaction,
  lines: readonly LineItem[],
): Promise<LineItem[]> {
  const ids = lines.flatMap(({ productId }) => productId ?? []);
  if (ids.length === 0) return [...lines];
  const rows = await transaction.rows<{ id: string }>({
    name: 'live_products_of_lines',
    sql: 'select id from product where tenant_id = $1 and id = any ($2::uuid[]) and delete_time is null',
    values: [currentCaller().tenantId, ids],
  });
  const live = new Set(rows.map(({ id }) => id));
  return lines.map((line) => ({ ...line, productId: live.has(line.productId ?? '') ? line.productId : undefined }));
}
