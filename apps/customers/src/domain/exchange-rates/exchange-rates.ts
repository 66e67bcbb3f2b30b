import type { ExchangeRate } from '@rapport/contracts/rapport/sales/v1/exchange_rate';
import { ExchangeRatesServiceService } from '@rapport/contracts/rapport/sales/v1/exchange_rates_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Exchange rates: the value of a currency in another one from a day on. They never change: conversions name them by their ids. */
export const exchangeRates = defineRecord<ExchangeRate>('rapport/ExchangeRate', ExchangeRatesServiceService, {
  indexVersion: 1,
});

export const ExchangeRatesController = recordController(exchangeRates, ExchangeRatesServiceService);
