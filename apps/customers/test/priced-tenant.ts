import { ExchangeRateSource, type ExchangeRate } from '@rapport/contracts/rapport/sales/v1/exchange_rate';
import { PriceBook } from '@rapport/contracts/rapport/sales/v1/price_book';
import type { Price } from '@rapport/contracts/rapport/sales/v1/price';
import { Product } from '@rapport/contracts/rapport/sales/v1/product';
import { newCaller, type SharedCustomers } from './running-customers.js';

/** A tenant of its own with products, price books and exchange rates. */
export class PricedTenant {
  constructor(
    readonly service: SharedCustomers,
    readonly caller = newCaller(),
  ) {}

  createProduct(given: Partial<Product> = {}): Promise<Product> {
    const product = { ...Product.decode(new Uint8Array()), sku: 'SEAT', name: 'Seat', ...given };
    return this.service.call('createProduct', { product }, this.caller);
  }

  createBook(key: string, given: Partial<PriceBook> = {}): Promise<PriceBook> {
    const priceBook = { ...PriceBook.decode(new Uint8Array()), key, name: key, currencyCode: 'EUR', ...given };
    return this.service.call('createPriceBook', { priceBook }, this.caller);
  }

  /** @param tiers each with the smallest quantity and the price of a unit */
  async setPrice(
    { id: priceBookId }: PriceBook,
    { id: productId }: Product,
    unitPrice: string,
    { tiers = [], maxDiscount }: { tiers?: [minQuantity: string, unitPrice: string][]; maxDiscount?: string } = {},
  ): Promise<Price> {
    const ofTiers = tiers.map(([minQuantity, tierPrice]) => ({ minQuantity, unitPrice: tierPrice }));
    const batch = { prices: [{ productId, unitPrice, tiers: ofTiers, maxDiscount }] };
    const { prices } = await this.service.call('setPrices', { priceBookId, batch }, this.caller);
    return prices[0]!;
  }

  /** @param pair such as `EUR/USD` */
  async setRate(pair: string, rate: string, date = '2026-01-01'): Promise<ExchangeRate> {
    const [baseCurrency = '', quoteCurrency = ''] = pair.split('/');
    const rates = [{ baseCurrency, quoteCurrency, date, rate, source: ExchangeRateSource.MANUAL }];
    const { exchangeRates } = await this.service.call('setExchangeRates', { batch: { rates } }, this.caller);
    return exchangeRates[0]!;
  }
}
