import { randomInt } from 'node:crypto';
import { newMarker, once } from './markers.ts';

/** How records are created over REST. */
interface Creating {
  send: (method: string, path: string, body?: object) => Promise<unknown>;
  create: (path: string, body?: object) => Promise<string>;
}

/** Creates products, prices and exchange rates of a tenant. */
export function moneyRecords({ send, create }: Creating, marker: string) {
  // A rate of the same day takes the place of an earlier one.
  const newDate = () => new Date(Date.UTC(2000, 0, randomInt(9_000))).toISOString().slice(0, 10);
  const setRate = async (date: string) => {
    const rates = [{ baseCurrency: 'EUR', quoteCurrency: 'USD', date, rate: '1.08' }];
    const { exchangeRates } = (await send('POST', '/v1/exchangeRates:set', { rates })) as {
      exchangeRates: { id: string }[];
    };
    return exchangeRates[0]?.id ?? '';
  };
  const makeProduct = () =>
    create('/v1/products', { sku: newMarker(), name: marker, price: { currencyCode: 'EUR', amount: '1' } });
  const product = once(makeProduct);
  const makePriceBook = () => create('/v1/priceBooks', { key: newMarker(), name: marker, currencyCode: 'EUR' });
  const priceBook = once(makePriceBook);
  const setPrice = async (productId: string) => {
    const path = `/v1/priceBooks/${await priceBook()}:setPrices`;
    const { prices } = (await send('POST', path, { prices: [{ productId, unitPrice: '1' }] })) as {
      prices: { id: string }[];
    };
    return prices[0]?.id ?? '';
  };
  return { newDate, setRate, makeProduct, product, makePriceBook, priceBook, setPrice };
}
