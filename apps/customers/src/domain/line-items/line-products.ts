import type { LineItem } from '@rapport/contracts/rapport/sales/v1/line_item';
import { isRefusal, type StatementTransaction, type TransactionStatement } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';

/** A change of a record with lines. */
interface LineChange {
  before?: { lineItems: readonly LineItem[] } | undefined;
  after: { lineItems: readonly LineItem[] };
}

/**
 * Refuses lines of products that do not exist. Products of stored lines may have been deleted since.
 *
 * @param field with the lines, such as `deal.lineItems`
 */
export function refuseUnknownProducts(changes: readonly LineChange[], field: string): TransactionStatement[] {
  const ids = changes.flatMap(({ before, after }) => {
    const known = new Set(before?.lineItems.map(({ productId }) => productId));
    return after.lineItems.flatMap(({ productId }) =>
      productId === undefined || known.has(productId) ? [] : productId,
    );
  });
  if (ids.length === 0) return [];
  const reason = 'PRODUCT_NOT_FOUND';
  const refusal: FieldViolation = { field, reason, description: 'must have ids of live products' };
  return [
    {
      name: 'refuse_unknown_products',
      sql: `select refuse_unless(not exists (select from unnest($2::uuid[]) wanted (id) where not exists (
        select from product where tenant_id = $1 and product.id = wanted.id and delete_time is null)), '${reason}')`,
      values: [currentCaller().tenantId, ids],
      explain: (error) => (isRefusal(error, reason) ? invalidArgument([refusal]) : error),
    },
  ];
}

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
