import { BillingInterval, ProductState, type Product } from '@rapport/contracts/rapport/sales/v1/product';
import type { PriceBook } from '@rapport/contracts/rapport/sales/v1/price_book';
import { PriceQuery, PriceReason } from '@rapport/contracts/rapport/sales/v1/pricing_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { PricedTenant } from './priced-tenant.js';
import { person, sharedCustomers } from './running-customers.js';

const service = await sharedCustomers();
let tenant: PricedTenant;
let caller: Caller;

beforeEach(() => {
  tenant = new PricedTenant(service);
  ({ caller } = tenant);
});

const euros = (amount: string) => ({ amount, currencyCode: 'EUR' });

function resolve({ id: productId }: Product, more: object = {}) {
  const query = { ...PriceQuery.decode(new Uint8Array()), productId, date: '2026-06-15', ...more };
  return service.call('resolvePrice', { query }, caller);
}

describe('a product', () => {
  test('is read as it was created, and is active', async () => {
    const billing = { interval: BillingInterval.YEAR, count: 1, cycles: 3 };
    const created = await tenant.createProduct({
      ...{ price: euros('129.95'), unit: 'seat', taxClass: 'standard', billing },
    });
    expect(created).toMatchObject({ state: ProductState.ACTIVE, price: euros('129.95'), billing, etag: '"1"' });
    expect(await service.call('getProduct', { id: created.id }, caller)).toEqual(created);
  });

  test('has a SKU that no other live product has', async () => {
    const first = await tenant.createProduct();
    await expect(tenant.createProduct()).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await service.call('deleteProduct', { id: first.id }, caller);
    await expect(tenant.createProduct()).resolves.toMatchObject({ sku: 'SEAT' });
    await expect(service.call('undeleteProduct', { id: first.id }, caller)).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
  });

  test('has prices of at most 6 places', async () => {
    await expect(tenant.createProduct({ price: euros('1.0000001') })).rejects.toMatchObject({
      violations: [{ field: 'product.price.amount', reason: 'TOO_MANY_DIGITS' }],
    });
  });
});

describe('a price book', () => {
  test('has a currency and a period', async () => {
    const period = { validFrom: '2026-06-01', validTo: '2026-05-31' };
    await expect(tenant.createBook('book', { currencyCode: 'EUX', ...period })).rejects.toMatchObject({
      violations: [{ reason: 'CURRENCY_UNKNOWN' }, { field: 'priceBook.validTo', reason: 'END_BEFORE_START' }],
    });
  });

  test('has one price of each product, which another one replaces', async () => {
    const [book, product] = [await tenant.createBook('book'), await tenant.createProduct()];
    const first = await tenant.setPrice(book, product, '10');
    const same = await tenant.setPrice(book, product, '10');
    const second = await tenant.setPrice(book, product, '12');

    expect(same).toEqual(first);
    expect(second).toMatchObject({ id: first.id, unitPrice: '12', etag: '"2"' });
    const filter = `priceBookId = ${book.id}`;
    expect((await service.call('listPrices', { filter }, caller)).prices).toEqual([second]);
    const other = service.call('setPrices', { priceBookId: v7(), batch: { prices: [] } }, caller);
    await expect(other).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const stale = service.call('deletePrice', { id: first.id, etag: first.etag }, caller);
    await expect(stale).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    await service.call('deletePrice', { id: first.id, etag: second.etag }, caller);
    expect((await service.call('listPrices', { filter }, caller)).prices).toEqual([]);
  });

  test('has a discount of at most all of the price', async () => {
    const [product, book] = [await tenant.createProduct(), await tenant.createBook('list')];
    await tenant.setPrice(book, product, '10', { maxDiscount: '100.0000' });
    await expect(tenant.setPrice(book, product, '10', { maxDiscount: '100.0001' })).rejects.toMatchObject({
      violations: [{ field: 'batch.prices[0].maxDiscount', reason: 'OUT_OF_RANGE' }],
    });
  });

  test('refuses prices of unknown products, and tiers of one quantity', async () => {
    const book = await tenant.createBook('book');
    await expect(tenant.setPrice(book, { ...(await tenant.createProduct()), id: v7() }, '1')).rejects.toMatchObject({
      violations: [{ field: 'batch.prices[0].productId', reason: 'PRODUCT_NOT_FOUND' }],
    });
    await expect(
      tenant.setPrice(book, await tenant.createProduct({ sku: 'B' }), '1', {
        tiers: [
          ['10', '1'],
          ['10.0', '2'],
        ],
      }),
    ).rejects.toMatchObject({
      violations: [{ field: 'batch.prices[0].tiers[1].minQuantity', reason: 'DUPLICATE' }],
    });
  });
});

describe('a resolved price', () => {
  test('is that of the product without a price book, if it has one', async () => {
    const product = await tenant.createProduct({ price: euros('20') });
    expect(await resolve(product)).toMatchObject({ unitPrice: euros('20'), priceBookId: undefined, considered: [] });
    await expect(resolve(product, { currencyCode: 'USD' })).rejects.toMatchObject({ reason: 'PRICE_MISSING' });
  });

  test('is of the tier of the quantity, with the limit of the discount', async () => {
    const [book, product] = [await tenant.createBook('book'), await tenant.createProduct()];
    await tenant.setPrice(book, product, '10', {
      tiers: [
        ['100', '8'],
        ['9.5', '9'],
      ],
      maxDiscount: '15',
    });
    const prices = await Promise.all(['1', '9.5', '99', '100'].map((quantity) => resolve(product, { quantity })));
    expect(prices.map(({ unitPrice }) => unitPrice?.amount)).toEqual(['10', '9', '9', '8']);
    expect(prices[3]).toMatchObject({ minQuantity: '100', maxDiscount: '15', priceBookId: book.id });
  });

  test('says why each price book was used or not', async () => {
    const product = await tenant.createProduct();
    const address = { countryCode: 'DE' } as never;
    const customer = await service.create(caller, person({ tags: ['reseller'], addresses: [address] }));
    const given: [string, Partial<PriceBook>, PriceReason][] = [
      ['past', { precedence: 1, validTo: '2025-12-31' }, PriceReason.NOT_VALID],
      ['dollars', { precedence: 2, currencyCode: 'USD' }, PriceReason.OTHER_CURRENCY],
      ['france', { precedence: 3, countryCodes: ['FR'] }, PriceReason.OTHER_COUNTRY],
      ['partners', { precedence: 4, customerTags: ['partner'] }, PriceReason.OTHER_TAGS],
      ['resellers', { precedence: 5, customerTags: ['reseller'], countryCodes: ['DE', 'AT'] }, PriceReason.USED],
      ['all', {}, PriceReason.PRECEDED],
    ];
    const books: PriceBook[] = [];
    for (const [key, more] of given) {
      books.push(await tenant.createBook(key, more));
      await tenant.setPrice(books.at(-1)!, product, String(books.length));
    }
    const empty = await tenant.createBook('empty', { precedence: 6 });

    const found = await resolve(product, { customerId: customer.id, currencyCode: 'EUR' });

    expect(found).toMatchObject({ unitPrice: euros('5'), priceBookId: books[4]!.id });
    const expected = given.map(([, , reason], index) => ({ priceBookId: books[index]!.id, reason }));
    expected.splice(5, 0, { priceBookId: empty.id, reason: PriceReason.NO_PRICE });
    expect(found.considered).toEqual(expected);
    expect((await resolve(product, { currencyCode: 'EUR' })).unitPrice).toEqual(euros('6'));
  });

  test('is that of the price book that applies, also behind a hundred others, which the answer leaves out', async () => {
    const product = await tenant.createProduct({ price: euros('10') });
    const last = await tenant.createBook('last', { precedence: 200 });
    await tenant.setPrice(last, product, '7.50');
    for (let made = 0; made < 101; made += 1) await tenant.createBook(`b${made}`, { precedence: made });

    const { unitPrice, considered, priceBookId } = await resolve(product);

    expect([unitPrice, priceBookId]).toEqual([euros('7.50'), last.id]);
    expect(considered).toHaveLength(100);
    expect(considered.at(-1)).toEqual({ priceBookId: last.id, reason: PriceReason.USED });
    expect(considered.filter(({ reason }) => reason === PriceReason.NO_PRICE)).toHaveLength(99);
  });

  test('does not tell of customers whom the caller must not read', async () => {
    const product = await tenant.createProduct({ price: euros('1') });
    const limited = { ...caller, permissions: ['priceBooks.read', 'products.read'] };
    const query = { ...PriceQuery.decode(new Uint8Array()), productId: product.id, customerId: v7() };
    const asked = service.call('resolvePrice', { query }, limited);
    await expect(asked).rejects.toMatchObject({ reason: 'PERMISSION_MISSING' });
  });
});
