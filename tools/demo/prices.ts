import type { Api } from './api.ts';
import { dayIn } from './deals.ts';

const euros = (amount: string) => ({ amount, currencyCode: 'EUR' });

/** The products of the demo, with their prices for resellers. */
const demoProducts = [
  { sku: 'CC-40', name: 'Cold-chain sensor CC-40', unit: 'piece', price: euros('129.95'), reseller: '109.95' },
  { sku: 'FW-8', name: 'Axle weight sensor FW-8', unit: 'piece', price: euros('299.995'), reseller: '254' },
  { sku: 'CAL-DAY', name: 'Calibration on site, per day', unit: 'day', price: euros('950'), reseller: '900' },
];

const demoRates = [
  ['USD', '1.0834'],
  ['GBP', '0.8312'],
  ['JPY', '161.27'],
] as const;

/** Creates exchange rates, products and a price book. */
export async function makePrices(api: Api): Promise<void> {
  const rates = demoRates.map(([quoteCurrency, rate]) => ({
    baseCurrency: 'EUR',
    quoteCurrency,
    date: dayIn(-400),
    rate,
  }));
  await api('POST', '/v1/exchangeRates:set', { rates });
  const book = { key: 'resellers', name: 'Resellers', currencyCode: 'EUR', customerTags: ['reseller'], precedence: 10 };
  const { id } = await api('POST', '/v1/priceBooks', book);
  const prices = [];
  for (const { reseller, ...product } of demoProducts) {
    const made = await api('POST', '/v1/products', product);
    prices.push({ productId: made.id, unitPrice: reseller, maxDiscount: '15' });
  }
  await api('POST', `/v1/priceBooks/${id}:setPrices`, { prices });
}
