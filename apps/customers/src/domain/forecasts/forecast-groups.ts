import {
  ForecastGrouping,
  type Forecast,
  type ForecastAmounts,
  type ForecastGroup,
} from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import { sumText } from '@rapport/money';
import { addDecimals, ratio } from './decimals.js';
import type { BaseSums, ForecastQuery, QuotaRow, SumRow } from './forecast-statement.js';

/** Most groups of a forecast. */
const maxGroups = 1_000;

/** The total and the groups of a forecast. @param base the currency of converted sums; undefined: there are none */
export function forecastGroups(
  query: ForecastQuery,
  rows: readonly SumRow[],
  quotas: readonly QuotaRow[],
  base: string | undefined,
): Pick<Forecast, 'total' | 'groups' | 'groupsOmitted'> {
  const ofTotal = rows.filter((row) => row.in_total);
  const total = groupOf({ query, base }, undefined, ofTotal, quotasOfTotal(query, quotas));
  if (query.grouping === ForecastGrouping.UNSPECIFIED) return { total, groups: [], groupsOmitted: false };
  const ofGroups = Map.groupBy(
    rows.filter((row) => !row.in_total),
    ({ value, pipeline_id: pipelineId }) => JSON.stringify([value, pipelineId]),
  );
  // A group can have a quota and no deals.
  for (const value of quotas.map((quota) => groupOfQuota(query, quota))) {
    const key = JSON.stringify([value, null]);
    if (value !== undefined && !ofGroups.has(key)) ofGroups.set(key, []);
  }
  const groups = [...ofGroups].map(([key, own]) => {
    const [value, pipelineId] = JSON.parse(key) as [string | null, string | null];
    const ownQuotas = value === null ? [] : quotas.filter((quota) => groupOfQuota(query, quota) === value);
    return groupOf({ query, base }, { value: value ?? undefined, pipelineId: pipelineId ?? undefined }, own, ownQuotas);
  });
  groups.sort(inOrder);
  return { total, groups: groups.slice(0, maxGroups), groupsOmitted: groups.length > maxGroups };
}

/** Groups without a value are last. */
function inOrder(left: ForecastGroup, right: ForecastGroup): number {
  const keyOf = ({ value, pipelineId }: ForecastGroup) => `${value ?? '~'} ${pipelineId ?? ''}`;
  return keyOf(left) < keyOf(right) ? -1 : 1;
}

type GroupKey = Pick<ForecastGroup, 'value' | 'pipelineId'>;

function groupOf(
  { query, base }: { query: ForecastQuery; base: string | undefined },
  key: GroupKey | undefined,
  rows: readonly SumRow[],
  quotas: readonly QuotaRow[],
): ForecastGroup {
  const currencies = new Set([
    ...rows.flatMap(({ currency }) => currency ?? []),
    ...quotas.map(({ currency }) => currency),
  ]);
  const all = rows.find(({ currency }) => currency === null);
  const quotasIn = (wanted: string) => quotas.filter(({ currency }) => currency === wanted).map(({ amount }) => amount);
  const isCategory = key !== undefined && query.grouping === ForecastGrouping.CATEGORY;
  return {
    ...{ value: key?.value, pipelineId: key?.pipelineId, dealCount: Number(all?.deal_count ?? 0) },
    amounts: [...currencies].toSorted().map((currency) => {
      const row = rows.find((each) => each.currency === currency) ?? noDeals;
      return amountsOf(currency, row, quotasIn(currency), isCategory);
    }),
    converted: base === undefined ? undefined : amountsOf(base, all?.base ?? noDeals, quotasIn(base), isCategory),
    unconvertedDealCount: base === undefined ? 0 : Number(all?.unconverted_count ?? 0),
  };
}

/** Sums without a deal. */
const noDeals = { deal_count: '0', pipeline: '0', best_case: '0', commit: '0', closed: '0', total: '0', weighted: '0' };

function amountsOf(
  currencyCode: string,
  row: BaseSums,
  quotas: readonly string[],
  isCategory: boolean,
): ForecastAmounts {
  const sum = (value: string) => sumText(value, currencyCode);
  const quota = quotas.length === 0 ? undefined : quotas.reduce(addDecimals);
  return {
    ...{ currencyCode, dealCount: Number(row.deal_count) },
    ...{ pipeline: sum(row.pipeline), bestCase: sum(row.best_case), commit: sum(row.commit) },
    ...{ closed: sum(row.closed), total: sum(row.total), weighted: sum(row.weighted) },
    quota: quota && sum(quota),
    attainment: quota && ratio(isCategory ? row.total : row.closed, quota),
  };
}

/** The quotas of the whole period. */
function quotasOfTotal(query: ForecastQuery, quotas: readonly QuotaRow[]): QuotaRow[] {
  return quotas.filter(
    (quota) => quota.period === query.period.key && quota.category === null && isOfAll(query, quota),
  );
}

/** Whether a quota is for all deals of the forecast: of its owner or its team, or else of the workspace. */
function isOfAll({ ownerId, ownerTeamId }: ForecastQuery, quota: QuotaRow): boolean {
  if ((quota.owner_id ?? undefined) !== ownerId) return false;
  return ownerId !== undefined || (quota.owner_team_id ?? undefined) === ownerTeamId;
}

/** The value of the group that a quota is for. */
function groupOfQuota(query: ForecastQuery, quota: QuotaRow): string | undefined {
  const isOfPeriod = quota.period === query.period.key;
  const isOfWon = quota.category === null;
  const valueIf = (isMeant: boolean, value: string | null) => (isMeant ? (value ?? undefined) : undefined);
  switch (query.grouping) {
    case ForecastGrouping.OWNER:
      return valueIf(isOfPeriod && isOfWon, quota.owner_id);
    case ForecastGrouping.TEAM:
      return valueIf(isOfPeriod && isOfWon && quota.owner_id === null, quota.owner_team_id);
    case ForecastGrouping.CATEGORY:
      return valueIf(isOfPeriod && isOfAll(query, quota), quota.category);
    case ForecastGrouping.MONTH: {
      const isOfMonth = query.period.months.some(({ key }) => key === quota.period);
      return valueIf(isOfMonth && isOfWon && isOfAll(query, quota), quota.period);
    }
    default:
      return undefined;
  }
}
