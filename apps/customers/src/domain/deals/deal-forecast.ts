import type { Money } from '@rapport/contracts/rapport/api/v1/records';
import { DealStatus, type Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { ForecastCategory } from '@rapport/contracts/rapport/sales/v1/forecast_category';
import type { Stage } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { minorUnits } from '@rapport/money';
import type { FieldViolation } from '@rapport/platform';

type Forecast = Pick<Deal, 'effectiveProbability' | 'effectiveForecastCategory' | 'weightedAmount'>;

/** How forecasts count a deal. @param stage absent: the pipeline no longer has it, and what applied before still does */
export function forecastOf(deal: Deal, status: DealStatus, stage: Stage | undefined): Forecast {
  const effectiveProbability = probabilityOf(deal, status, stage);
  return {
    effectiveProbability,
    effectiveForecastCategory: categoryOf(deal, status, stage),
    weightedAmount: weighted(deal.amount, effectiveProbability),
  };
}

function probabilityOf(deal: Deal, status: DealStatus, stage: Stage | undefined): number | undefined {
  if (status === DealStatus.WON) return 100;
  if (status === DealStatus.LOST) return 0;
  return deal.probability ?? (stage ? stage.probability : deal.effectiveProbability);
}

function categoryOf(deal: Deal, status: DealStatus, stage: Stage | undefined): ForecastCategory {
  const own = deal.forecastCategory || (stage ? stage.forecastCategory : deal.effectiveForecastCategory);
  return status === DealStatus.OPEN && own ? own : categoryOfStatus(status);
}

/** The category of a deal without any other. Deals of earlier releases have it until their next write. */
export function categoryOfStatus(status: DealStatus): ForecastCategory {
  switch (status) {
    case DealStatus.WON:
      return ForecastCategory.CLOSED;
    case DealStatus.LOST:
      return ForecastCategory.OMITTED;
    default:
      return ForecastCategory.PIPELINE;
  }
}

/** A category that only a stage of kind WON gives. @param field its path */
export function categoryViolations(category: ForecastCategory, field: string): FieldViolation[] {
  if (category !== ForecastCategory.CLOSED) return [];
  return [{ field, reason: 'NOT_ALLOWED', description: 'must not be CLOSED, which follows from a stage of kind WON' }];
}

/**
 * A percentage of an amount, rounded half away from zero to the minor unit of the currency. An amount with more decimal places keeps
 * them, so that all of it is the amount itself.
 */
export function weighted(amount: Money | undefined, percent: number | undefined): Money | undefined {
  if (!amount || percent === undefined) return undefined;
  const [, sign = '', whole = '0', decimals = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount.amount) ?? [];
  const places = Math.max(decimals.length, minorUnits(amount.currencyCode) ?? 0);
  const units = BigInt(whole + decimals.padEnd(places, '0'));
  const rounded = (units * BigInt(percent) * 2n + 100n) / 200n;
  const digits = rounded.toString().padStart(places + 1, '0');
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return { currencyCode: amount.currencyCode, amount: rounded === 0n ? text : sign + text };
}
