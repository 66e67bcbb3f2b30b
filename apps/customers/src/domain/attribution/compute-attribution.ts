import type { EntityManager } from '@mikro-orm/postgresql';
import { isIsoCurrency } from '@rapport/contracts/filters';
import {
  AttributionGrouping,
  type AttributionModel,
  type ComputeAttributionsRequest,
  type ComputeAttributionsResponse,
} from '@rapport/contracts/rapport/marketing/v1/attributions_service';
import { TouchpointKind } from '@rapport/contracts/rapport/marketing/v1/touchpoint';
import { formatDecimal, minorUnits, parseDecimal } from '@rapport/money';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import { currencyOf, wonDeals, type Touch, type WonDeal } from './attributed-deals.js';
import { divideAmount } from './divide-amount.js';

const defaultWindowDays = 30;

/** Most deals of one answer. */
const maxDeals = 100_000;

/** Decimal places of the sums: those of the most exact amount. */
const sumPlaces = 9;

/** Handles ComputeAttributions. */
export async function computeAttributions(
  em: EntityManager,
  request: ComputeAttributionsRequest,
): Promise<ComputeAttributionsResponse> {
  const since = request.since ?? '';
  const { until = new Date().toISOString(), windowDays = defaultWindowDays, model, groupBy } = request;
  refuse(rangeViolations(since, until), currencyViolations(request.currency));
  const currency = await currencyOf(em, request);
  const sums = new AttributionSums(model, groupBy, currency);
  for await (const page of wonDeals(em, { since, until, windowDays, currency })) {
    for (const deal of page) sums.add(deal);
    if (sums.dealCount > maxDeals) refuse([violation('since', 'OUT_OF_RANGE', 'must leave at most 100,000 won deals')]);
  }
  return sums.response();
}

interface GroupSum {
  key: string;
  units: bigint;
  touchpoints: number;
  deals: number;
}

/** What the deals of one answer add up to. */
class AttributionSums {
  dealCount = 0;
  readonly #groups = new Map<string, GroupSum>();
  #attributedDeals = 0;
  #unvaluedDeals = 0;
  #unattributed = 0n;

  constructor(
    private readonly model: AttributionModel,
    private readonly grouping: AttributionGrouping,
    private readonly currency: string,
  ) {}

  add({ value, touches, won_ms: wonMs }: WonDeal): void {
    this.dealCount += 1;
    if (value === null) {
      this.#unvaluedDeals += 1;
      return;
    }
    const { units, places } = this.#amount(value);
    const scale = 10n ** BigInt(sumPlaces - places);
    if (touches.length === 0) {
      this.#unattributed += units * scale;
      return;
    }
    this.#attributedDeals += 1;
    const parts = divideAmount(units, this.model, { times: touches.map(({ ms }) => ms), wonMs });
    const met = new Set<GroupSum>();
    for (const [index, touch] of touches.entries()) {
      const group = this.#groupOf(touch);
      group.units += parts[index]! * scale;
      group.touchpoints += 1;
      met.add(group);
    }
    for (const group of met) group.deals += 1;
  }

  response(): ComputeAttributionsResponse {
    const groups = [...this.#groups.values()].toSorted(
      (one, other) =>
        Number(other.units > one.units) - Number(other.units < one.units) || (one.key < other.key ? -1 : 1),
    );
    const attributed = groups.reduce((sum, { units }) => sum + units, 0n);
    return {
      won: this.#money(attributed + this.#unattributed),
      attributed: this.#money(attributed),
      unattributed: this.#money(this.#unattributed),
      ...{ dealCount: this.dealCount, attributedDealCount: this.#attributedDeals },
      unvaluedDealCount: this.#unvaluedDeals,
      groups: groups.map((group) => ({
        ...this.#fieldsOf(group.key),
        ...{ amount: this.#money(group.units), touchpointCount: group.touchpoints, dealCount: group.deals },
      })),
    };
  }

  /** In the smallest units of the currency, or in smaller ones if the amount has more places. */
  #amount(value: string): { units: bigint; places: number } {
    const { units, places } = parseDecimal(value);
    const least = Math.max(places, minorUnits(this.currency) ?? 0);
    return { units: units * 10n ** BigInt(least - places), places: least };
  }

  #money(units: bigint): { currencyCode: string; amount: string } {
    const least = minorUnits(this.currency) ?? 0;
    const places =
      [...`${units}`.padStart(sumPlaces, '0')].slice(-sumPlaces).findLastIndex((digit) => digit !== '0') + 1;
    const shown = Math.max(least, places);
    const amount = formatDecimal({ units: units / 10n ** BigInt(sumPlaces - shown), places: shown });
    return { currencyCode: this.currency, amount };
  }

  #groupOf(touch: Touch): GroupSum {
    const key = keyOf(touch, this.grouping) ?? '';
    let group = this.#groups.get(key);
    if (!group) this.#groups.set(key, (group = { key, units: 0n, touchpoints: 0, deals: 0 }));
    return group;
  }

  #fieldsOf(key: string) {
    const id = key === '' ? undefined : key;
    const isBy = (grouping: AttributionGrouping) => effective(this.grouping) === grouping;
    return {
      campaignId: isBy(AttributionGrouping.CAMPAIGN) ? id : undefined,
      formId: isBy(AttributionGrouping.FORM) ? id : undefined,
      kind: isBy(AttributionGrouping.KIND)
        ? TouchpointKind[key as keyof typeof TouchpointKind]
        : TouchpointKind.UNSPECIFIED,
    };
  }
}

function effective(grouping: AttributionGrouping): AttributionGrouping {
  return grouping === AttributionGrouping.UNSPECIFIED ? AttributionGrouping.CAMPAIGN : grouping;
}

function keyOf({ campaign_id: campaign, form_id: form, kind }: Touch, grouping: AttributionGrouping): string | null {
  switch (effective(grouping)) {
    case AttributionGrouping.FORM:
      return form;
    case AttributionGrouping.KIND:
      return kind;
    default:
      return campaign;
  }
}

function refuse(...violations: FieldViolation[][]): void {
  const all = violations.flat();
  if (all.length > 0) throw invalidArgument(all);
}

function rangeViolations(since: string, until: string): FieldViolation[] {
  return new Date(since) < new Date(until) ? [] : [violation('until', 'END_BEFORE_START', 'must be after since')];
}

function currencyViolations(currency: string | undefined): FieldViolation[] {
  if (currency === undefined || isIsoCurrency(currency)) return [];
  return [violation('currency', 'CURRENCY_UNKNOWN', 'must be a currency code of ISO 4217, such as EUR')];
}

function violation(field: string, reason: FieldViolation['reason'], description: string): FieldViolation {
  return { field, reason, description };
}
