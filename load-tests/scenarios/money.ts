import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api } from './api.ts';
import type { Scenario } from './scenario.ts';

/** Think time between the steps, in seconds. */
const lookSeconds = 1;

/** A program that repeats the rate of the day, and a user who converts an amount and looks at the products. */
export function money(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  const rates = [{ baseCurrency: 'EUR', quoteCurrency: 'USD', date: '2026-01-01', rate: '1.0834' }];
  return {
    protocol: 'http',
    operations: ['SetExchangeRates', 'ConvertMoney', 'ListProducts'],
    setup: () => null,
    run() {
      const set = api.send<{ exchangeRates: object[] }>('POST', 'SetExchangeRates', '/v1/exchangeRates:set', { rates });
      check(set.body, { 'the rate is set': (answer) => answer?.exchangeRates.length === 1 });
      sleep(lookSeconds);
      const wanted = { money: { amount: '1200.50', currencyCode: 'EUR' }, to: 'USD' };
      const path = '/v1/exchangeRates:convert';
      const { body } = api.send<{ money: { amount: string } }>('POST', 'ConvertMoney', path, wanted);
      check(body, { 'an amount is converted': (answer) => answer?.money.amount !== undefined });
      sleep(lookSeconds);
      const listed = api.get<{ products: object[] }>('ListProducts', '/v1/products?pageSize=20');
      check(listed.body, { 'products are listed': (answer) => answer?.products !== undefined });
      sleep(lookSeconds);
    },
  };
}
