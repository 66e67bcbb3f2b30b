import type { EntityManager } from '@mikro-orm/postgresql';
import type { Money } from '@rapport/contracts/rapport/api/v1/records';
import {
  PriceReason,
  type ConsideredPriceBook,
  type ResolvePriceRequest,
  type ResolvePriceResponse,
} from '@rapport/contracts/rapport/sales/v1/pricing_service';
import type { Product } from '@rapport/contracts/rapport/sales/v1/product';
import { readForTenant, type Statement } from '@rapport/persistence';
import { allows, AppError, currentCaller, invalidArgument, permissionMissing } from '@rapport/platform';
import type { RecordMessage } from '../../engine/fields/record-definition.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, rowReader, shownColumns, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { choosePrice, defaultPrecedence, tierOf, type Buyer, type PricedBook } from './choose-price.js';
import { priceBooks, prices } from './price-books.js';
import { products } from './products.js';

/** Most price books that an answer explains. */
const maxConsidered = 100;

/** Most price books that are read: those, and all others that have a price of the product. */
const maxBooks = 10_000;

/** Handles ResolvePrice. */
export async function resolvePrice(em: EntityManager, { query }: ResolvePriceRequest): Promise<ResolvePriceResponse> {
  if (!query) throw invalidArgument([{ field: 'query', reason: 'REQUIRED', description: 'is required' }]);
  const { productId, customerId, quantity = '1', currencyCode } = query;
  const date = query.date ?? new Date().toISOString().slice(0, 10);
  const product = await live<Product>(em, products, productId);
  const buyer = customerId === undefined ? undefined : await buyerOf(em, customerId);
  const books = await pricedBooks(em, productId);
  const { used, considered: all } = choosePrice(books, { date, currencyCode, buyer });
  const considered = explained(all);
  if (!used) return { unitPrice: ownPrice(product, currencyCode), considered, ...unused };
  const { book, price } = used;
  const tier = tierOf(price, quantity);
  return {
    unitPrice: { currencyCode: book.currencyCode, amount: tier?.unitPrice ?? price.unitPrice },
    priceBookId: book.id,
    priceId: price.id,
    minQuantity: tier?.minQuantity,
    maxDiscount: price.maxDiscount,
    considered,
  };
}

/** The first price books, and the one whose price is used, which may be behind them. */
function explained(all: readonly ConsideredPriceBook[]): ConsideredPriceBook[] {
  const first = all.slice(0, maxConsidered);
  const used = all.slice(maxConsidered).find(({ reason }) => reason === PriceReason.USED);
  return used ? [...first.slice(0, -1), used] : first;
}

const unused = { priceBookId: undefined, priceId: undefined, minQuantity: undefined, maxDiscount: undefined };

function ownPrice({ price }: Product, currencyCode: string | undefined): Money {
  if (price && (currencyCode === undefined || price.currencyCode === currencyCode)) return price;
  const message = `The product has no price${currencyCode === undefined ? '' : ` in ${currencyCode}`}.`;
  throw new AppError('FAILED_PRECONDITION', 'PRICE_MISSING', message);
}

/** Price books tell of a customer what the caller may otherwise not read. */
async function buyerOf(em: EntityManager, id: string): Promise<Buyer> {
  if (!allows(currentCaller().permissions, 'customers.read')) throw permissionMissing('customers.read');
  const { addresses, tags } = await live(em, customerType(), id);
  return { countryCodes: addresses.flatMap(({ countryCode }) => countryCode ?? []), tags };
}

async function live<Message extends RecordMessage>(
  em: EntityManager,
  type: RecordType<Message>,
  id: string,
): Promise<Message> {
  const [record] = await openStored(type, await readForTenant<StoredRecord<Message>>(em, liveRecords(type, [id])));
  return liveRecord(em, type, id, record);
}

/** The first live price books, and all that have a price of a product, with these prices, in the order of their precedence. */
async function pricedBooks(em: EntityManager, productId: string): Promise<PricedBook[]> {
  const [book, price] = [rowReader(priceBooks), rowReader(prices)];
  const [bookColumns, priceColumns] = [shownColumns(priceBooks), shownColumns(prices)];
  const width = columnsIn(bookColumns);
  const statement: Statement = {
    name: 'price_books_of_product',
    sql: `select ${bookColumns}, ${priceColumns} from (
        select *, row_number() over (order by coalesce(precedence, $3::int), id desc) as place
        from price_book where tenant_id = $1 and delete_time is null
      ) price_book
      left join price on price.tenant_id = $1 and price.price_book_id = price_book.id and price.product_id = $2
        and price.delete_time is null
      where place <= ${maxConsidered} or price.id is not null
      order by place limit ${maxBooks}`,
    values: [currentCaller().tenantId, productId, defaultPrecedence],
    row: (texts) => {
      const priceTexts = texts.slice(width);
      // The id of a price, which each has.
      return {
        book: book(texts.slice(0, width)).record,
        price: priceTexts[0] === null ? undefined : price(priceTexts).record,
      };
    },
  };
  return readForTenant<PricedBook>(em, statement);
}

function columnsIn(list: string): number {
  return list.split(', ').length;
}
