import { Deal, DealStatus } from '@rapport/contracts/rapport/sales/v1/deal';
import { ForecastCategory } from '@rapport/contracts/rapport/sales/v1/forecast_category';
import { Stage } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { describe, expect, test } from 'vitest';
import { forecastOf, weighted } from './deal-forecast.js';

const deal = (given: Partial<Deal>): Deal => ({ ...Deal.decode(new Uint8Array()), ...given });
const stage = (given: Partial<Stage>): Stage => ({ ...Stage.decode(new Uint8Array()), ...given });
const { PIPELINE, BEST_CASE, COMMIT, CLOSED, OMITTED } = ForecastCategory;

describe('a weighted amount', () => {
  test.each([
    ['EUR', '100', 33, '33.00'],
    ['EUR', '0.01', 50, '0.01'],
    ['EUR', '-0.01', 50, '-0.01'],
    ['EUR', '0.01', 49, '0.00'],
    ['EUR', '-0.01', 49, '0.00'],
    ['EUR', '12.345', 100, '12.345'],
    ['JPY', '101', 50, '51'],
    ['JPY', '100', 0, '0'],
    ['KWD', '1.001', 50, '0.501'],
    ['USD', '999999999999999999.99', 1, '10000000000000000.00'],
  ])('of %s %s at %d percent is %s', (currencyCode, amount, percent, expected) => {
    expect(weighted({ currencyCode, amount }, percent)).toEqual({ currencyCode, amount: expected });
  });

  test('is absent without an amount or an estimate', () => {
    expect(weighted(undefined, 50)).toBeUndefined();
    expect(weighted({ currencyCode: 'EUR', amount: '1' }, undefined)).toBeUndefined();
  });
});

describe('the forecast of a deal', () => {
  test.each([
    ['that of an open stage', {}, DealStatus.OPEN, { probability: 40, forecastCategory: BEST_CASE }, 40, BEST_CASE],
    ['PIPELINE without any', {}, DealStatus.OPEN, {}, undefined, PIPELINE],
    ['its own', { probability: 5, forecastCategory: COMMIT }, DealStatus.OPEN, { probability: 40 }, 5, COMMIT],
    ['closed when won', { probability: 5, forecastCategory: COMMIT }, DealStatus.WON, { probability: 40 }, 100, CLOSED],
    ['omitted when lost', { probability: 5 }, DealStatus.LOST, {}, 0, OMITTED],
  ])('is %s', (_, own, status, given, probability, category) => {
    expect(forecastOf(deal(own), status, stage(given))).toMatchObject({
      ...{ effectiveProbability: probability, effectiveForecastCategory: category },
    });
  });

  test('is what it was when the pipeline no longer has its stage', () => {
    const before = deal({ effectiveProbability: 70, effectiveForecastCategory: COMMIT });

    expect(forecastOf(before, DealStatus.OPEN, undefined)).toMatchObject({
      ...{ effectiveProbability: 70, effectiveForecastCategory: COMMIT },
    });
  });
});
