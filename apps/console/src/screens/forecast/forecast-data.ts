import { isJson, itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';

/** Lengths of a period. */
export const spans = ['month', 'quarter', 'year'] as const;
export type Span = (typeof spans)[number];

/** The columns of a forecast, by their fields in the answer, with the category of the deals that each sums. */
export const columns = [
  { field: 'closed', category: 'CLOSED', color: '--chart-1' },
  { field: 'commit', category: 'COMMIT', color: '--chart-3' },
  { field: 'bestCase', category: 'BEST_CASE', color: '--chart-2' },
  { field: 'pipeline', category: 'PIPELINE', color: '--chart-rest' },
] as const;
export type Column = (typeof columns)[number];

/** The period of a day: quarters and years are those of the fiscal year, which has the number of the year in which it begins. */
export function periodAt(span: Span, day: Date, fiscalStart: number): string {
  const [year, month] = [day.getFullYear(), day.getMonth()];
  if (span === 'month') return monthText(year * 12 + month);
  const inYear = (month - (fiscalStart - 1) + 12) % 12;
  const fiscal = month >= fiscalStart - 1 ? year : year - 1;
  return span === 'year' ? String(fiscal) : `${fiscal}-Q${Math.floor(inYear / 3) + 1}`;
}

export function spanOf(period: string): Span {
  return period.includes('Q') ? 'quarter' : period.includes('-') ? 'month' : 'year';
}

/** The period so many periods later. */
export function shifted(period: string, by: number): string {
  const [year = '', part = ''] = period.split('-');
  switch (spanOf(period)) {
    case 'year':
      return String(Number(year) + by);
    case 'month':
      return monthText(Number(year) * 12 + Number(part) - 1 + by);
    case 'quarter': {
      const index = Number(year) * 4 + Number(part.slice(1)) - 1 + by;
      return `${Math.floor(index / 4)}-Q${(index % 4) + 1}`;
    }
  }
}

function monthText(index: number): string {
  return `${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`;
}

/** In place of a currency: the deals of all currencies, converted into the base currency. */
export const converted = '*';

/** What the amounts of a forecast can be shown in: all together where the server converts them, and each currency. */
export function currenciesOf(forecast: Json | undefined): string[] {
  const own = itemsAt(forecast, 'total.amounts').map((each) => textAt(each, 'currencyCode'));
  return own.length > 1 && isJson(valueAt(forecast, 'total.converted')) ? [converted, ...own] : own;
}

/** The sums of a group in one currency, or converted. */
export function amountsIn(group: Json | undefined, currency: string): Json | undefined {
  if (currency === converted) return isJson(group?.converted) ? group.converted : undefined;
  return itemsAt(group, 'amounts').find((each) => textAt(each, 'currencyCode') === currency);
}

/** Groups as people look for them: the largest owners and teams first, categories by certainty, stages by their place. */
export function inOrder(
  groups: readonly Json[],
  grouping: string,
  currency: string,
  stages: readonly string[],
): Json[] {
  const value = (group: Json) => textAt(group, 'value');
  const places: Readonly<Record<string, readonly string[]>> = {
    CATEGORY: columns.map(({ category }) => category),
    STAGE: stages,
  };
  const place = places[grouping];
  if (place) return groups.toSorted((one, other) => place.indexOf(value(one)) - place.indexOf(value(other)));
  if (grouping === 'MONTH') return [...groups];
  const total = (group: Json) => sumOf(amountsIn(group, currency), 'total');
  return groups.toSorted((one, other) => total(other) - total(one));
}

export function sumOf(amounts: Json | undefined, field: string): number {
  return Number(textAt(amounts, field) || 0);
}

/** What the parts of the screen show. */
export interface View {
  period: string;
  grouping: string;
  /** A currency, or `*` for all in the base currency. */
  currency: string;
  pipelineId: string;
  asOf: string | undefined;
  forecast: Json;
  pipelines: readonly Json[];
}

/** What a number of the forecast sums, beside its category. */
export interface Scope {
  startDate: string;
  endDate: string;
  currency: string;
  pipelineId: string;
  /** Such as `ownerId = 01a2…`; empty for the total. */
  group: string;
}

/** The filter of the deals behind a number: open ones by their close date, won ones by when they were won. Filters take days of the workspace. */
export function dealsFilter(scope: Scope, categories: readonly string[]): string {
  const { startDate, endDate, currency, pipelineId, group } = scope;
  const open = categories.filter((each) => each !== 'CLOSED');
  const parts = [
    ...(open.length > 0
      ? [`${isOne('effectiveForecastCategory', open)} AND closeDate >= ${startDate} AND closeDate <= ${endDate}`]
      : []),
    ...(open.length < categories.length
      ? [`effectiveForecastCategory = CLOSED AND closeTime >= ${startDate} AND closeTime < ${dayAfter(endDate)}`]
      : []),
  ];
  const when = parts.length > 1 ? `(${parts.map((part) => `(${part})`).join(' OR ')})` : (parts[0] ?? '');
  const inCurrency = currency === '' || currency === converted ? '' : `amount = "${currency}*"`;
  const own = [inCurrency, pipelineId && `pipelineId = ${pipelineId}`, group].filter((each) => each !== '');
  return [when, ...own].join(' AND ');
}

function isOne(field: string, values: readonly string[]): string {
  return values.length === 1 ? `${field} = ${values[0]}` : `${field} IN (${values.join(', ')})`;
}

function dayAfter(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
}

/** The condition that the deals of a group share; undefined for one that filters cannot name. */
export function groupCondition(grouping: string, group: Json): string {
  const value = textAt(group, 'value');
  const is = (field: string) => (value === '' ? `NOT ${field}:*` : `${field} = ${value}`);
  switch (grouping) {
    case 'OWNER':
      return is('ownerId');
    case 'TEAM':
      return is('ownerTeamId');
    case 'STAGE':
      return `stage = ${value} AND pipelineId = ${textAt(group, 'pipelineId')}`;
    default:
      return '';
  }
}
