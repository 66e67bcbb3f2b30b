import type { EntityManager } from '@mikro-orm/postgresql';
import type { Money } from '@rapport/contracts/rapport/api/v1/records';
import type { ResolvePriceRequest, ResolvePriceResponse } from '@rapport/contracts/rapport/sales/v1/pricing_service';
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

/** Most price books that are considered. */
const maxBooks = 100;

/** Handles ResolvePrice. */
export async function resolvePrice(em: EntityManager, { query }: ResolvePriceRequest): Promise<ResolvePriceResponse> {
  if (!query) throw invalidArgument([{ field: 'query', reason: 'REQUIRED', description: 'is required' }]);
  const { productId, customerId, quantity = '1', currencyCode } = query;
  const date = query.date ?? new Date().toISOString().slice(0, 10);
  const product = await live<Product>(em, products, productId);
  const buyer = customerId === undefined ? undefined : await buyerOf(em, customerId);
  const books = await pricedBooks(em, productId);
  const { used, considered } = choosePrice(books, { date, currencyCode, buyer });
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

/** All live price books with their prices of a product, in the order of their precedence. */
async function pricedBooks(em: EntityManager, productId: string): Promise<PricedBook[]> {
  const [book, price] = [rowReader(priceBooks), rowReader(prices)];
  const [bookColumns, priceColumns] = [shownColumns(priceBooks), shownColumns(prices)];
  const width = columnsIn(bookColumns);
  const statement: Statement = {
    name: 'price_books_of_product',
    sql: `select ${bookColumns}, ${priceColumns} from price_book
      left join price on price.tenant_id = $1 and price.price_book_id = price_book.id and price.product_id = $2
        and price.delete_time is null
      where price_book.tenant_id = $1 and price_book.delete_time is null
      order by coalesce(price_book.precedence, $3::int), price_book.id desc limit $4::int`,
    values: [currentCaller().tenantId, productId, defaultPrecedence, maxBooks],
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
