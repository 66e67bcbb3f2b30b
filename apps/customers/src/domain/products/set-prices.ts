import type { Price } from '@rapport/contracts/rapport/sales/v1/price';
import type {
  DeletePriceRequest,
  NewPrice,
  SetPricesRequest,
} from '@rapport/contracts/rapport/sales/v1/pricing_service';
import { compareDecimals } from '@rapport/money';
import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation, type ViolationCode } from '@rapport/platform';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { deletedRecord, newRecord, nextRecord } from '../../engine/records/record-changes.js';
import { rowReader, shownColumns, type StoredRecord } from '../../engine/records/record-rows.js';
import { insertRecords, lockRecords, updateRecords } from '../../engine/records/record-statements.js';
import { LinkedRecords } from '../../engine/records/references.js';
import { priceBooks, prices, tierViolations } from './price-books.js';

const noFields = new CustomFields([]);

/** Handles SetPrices. Calls for one price book wait for each other. */
export async function setPrices(
  transaction: StatementTransaction,
  { priceBookId, batch }: SetPricesRequest,
): Promise<Price[]> {
  const given = batch?.prices ?? [];
  refuse(given.flatMap((price, index) => priceViolations(given, price, index)));
  const { tenantId } = currentCaller();
  const productIds = given.map(({ productId }) => productId);
  const [books = [], found = [], rows = []] = await transaction.run(
    lockRecords(priceBooks, [priceBookId]),
    {
      name: 'lock_priced_products',
      sql: `select id from product where tenant_id = $1 and id = any ($2::uuid[]) and delete_time is null
        order by id for share`,
      values: [tenantId, productIds],
    },
    {
      name: 'lock_prices_of_products',
      sql: `select ${shownColumns(prices)} from price
        where tenant_id = $1 and price_book_id = $2 and product_id = any ($3::uuid[]) and delete_time is null
        order by id for update`,
      values: [tenantId, priceBookId, productIds],
      row: rowReader(prices),
    },
  );
  await liveRecord(transaction, priceBooks, priceBookId, (books as StoredRecord[])[0]?.record as never);
  const known = new Set(found.map(({ id }) => id as string));
  refuse(
    given.flatMap(({ productId }, index) =>
      known.has(productId)
        ? []
        : [violation(index, 'productId', 'PRODUCT_NOT_FOUND', 'must be the id of a live product')],
    ),
  );
  const stored = new Map((rows as StoredRecord<Price>[]).map(({ record }) => [record.productId, record]));
  const created: Price[] = [];
  const changed: Price[] = [];
  const results = given.map((price) => {
    const before = stored.get(price.productId);
    if (!before) {
      created.push(newRecord(prices, { ...prices.empty(), ...price, priceBookId }, new LinkedRecords()));
      return created.at(-1)!;
    }
    const after = { ...before, ...price };
    if (prices.encode(before).equals(prices.encode(after))) return before;
    changed.push(nextRecord(prices, before, after, new LinkedRecords()));
    return changed.at(-1)!;
  });
  if (changed.length > 0) transaction.later(updateRecords(prices, changed, noFields));
  if (created.length > 0) transaction.later(insertRecords(prices, created, noFields));
  return results;
}

/** Handles DeletePrice. */
export async function deletePrice(transaction: StatementTransaction, { id, etag }: DeletePriceRequest): Promise<Price> {
  const [row] = await transaction.rows<StoredRecord<Price>>(lockRecords(prices, [id]));
  const price = await liveRecord(transaction, prices, id, row?.record);
  checkEtag(etag, etagVersion(price.etag));
  const deleted = deletedRecord(price);
  transaction.later(updateRecords(prices, [deleted], noFields));
  return deleted;
}

function priceViolations(
  given: readonly NewPrice[],
  { productId, tiers, maxDiscount = '0' }: NewPrice,
  index: number,
): FieldViolation[] {
  const isFirst = given.findIndex((each) => each.productId === productId) === index;
  const isShare = compareDecimals(maxDiscount, '100') <= 0;
  return [
    ...(isShare ? [] : [violation(index, 'maxDiscount', 'OUT_OF_RANGE', 'must be at most 100')]),
    ...(isFirst ? [] : [violation(index, 'productId', 'DUPLICATE', 'must be unique')]),
    ...tierViolations(tiers).map(({ field, ...rest }) => ({ ...rest, field: `batch.prices[${index}].${field}` })),
  ];
}

function violation(index: number, field: string, reason: ViolationCode, description: string): FieldViolation {
  return { field: `batch.prices[${index}].${field}`, reason, description };
}

function refuse(violations: FieldViolation[]): void {
  if (violations.length > 0) throw invalidArgument(violations);
}
