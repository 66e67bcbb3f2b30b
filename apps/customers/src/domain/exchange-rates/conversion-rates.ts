import { minorUnits } from '@rapport/money';
import type { Past, Values } from '../../engine/values/statement-values.js';

/** The conversion of deals into the base currency. */
export interface Conversion {
  /** Code of the base currency. */
  target: string;
  /** The day in UTC whose newest rates convert open deals. */
  day: string;
}

/** The deals of `deal_then` that have no kept value are converted by the rates of `conversion`, by currency and day. */
export const isKept = (target: string) => `(deal_then.base_amount ->> 'currencyCode' is not distinct from ${target})`;

/** The day whose rates convert a deal of `deal_then`. */
export const valueDay = (day: string) => `value_day(deal_then.status, deal_then.close_time, ${day})`;

/**
 * Parts of WITH, after `deal_then`. `conversion` has the rates of each currency and day as `conversion_rates` finds them, as of a time of
 * the log too, and their products: an amount is multiplied by `multiply`, and divided by `divide`.
 *
 * @param target parameter with the code of the base currency
 * @param day parameter with the day of open deals
 */
export function conversionRates(
  { tenantId, since }: Past,
  { target, day }: { target: string; day: string },
  values: Values,
): string[] {
  const tenant = values.add(tenantId);
  const newest = (table: string, direction: readonly [string, string], condition: string) =>
    `(select ${table}.* from ${table} where ${condition} and ${table}.base_currency = leg.${direction[0]}
      and ${table}.quote_currency = leg.${direction[1]} and ${table}.date <= leg.day order by ${table}.date desc limit 1)`;
  const directions = [['source', 'destination'] as const, ['destination', 'source'] as const];
  const live = `exchange_rate.tenant_id = ${tenant} and exchange_rate.delete_time is null`;
  const unchanged = since === undefined ? '' : ' and not exists (select from rate_changed where id = exchange_rate.id)';
  const candidates = [
    ...directions.map((direction) => newest('exchange_rate', direction, live + unchanged)),
    ...(since === undefined ? [] : directions.map((direction) => newest('rate_before', direction, 'true'))),
  ];
  return [
    ...(since === undefined ? [] : formerRates(tenant, values.add(since))),
    `wanted as (
      select distinct amount ->> 'currencyCode' as code, ${valueDay(day)} as day from deal_then
      where amount is not null and not ${isKept(target)}
    )`,
    `leg as (
      select distinct source, destination, day
      from wanted cross join lateral (values (code, ${target}), (code, 'EUR'), ('EUR', ${target})) pair (source, destination)
      where code <> ${target} and source <> destination
    )`,
    // Of two rates of one day, that of the direction of the leg.
    `leg_rate as materialized (
      select leg.*, jsonb_build_object('id', found.id, 'baseCurrency', base_currency, 'quoteCurrency', quote_currency, 'rate', rate,
          'date', date, 'source', case source_of_rate when 'MANUAL' then 1 when 'ECB' then 2 else 3 end) as rate,
        case base_currency when leg.source then rate::numeric else 1 end as multiply,
        case base_currency when leg.source then 1 else rate::numeric end as divide
      from leg cross join lateral (
        select id, base_currency, quote_currency, rate, date, candidate.source as source_of_rate
        from (${candidates.join(' union all ')}) candidate
        order by date desc, base_currency = leg.source desc limit 1
      ) found
    )`,
    conversions(target),
  ];
}

/** The rates that changed since a time, and those of them that existed, as they were. */
function formerRates(tenant: string, since: string): string[] {
  return [
    `rate_changed as materialized (
      select record_id::uuid as id, is_new, before from records_before('exchange_rate', ${since}::timestamptz)
    )`,
    `rate_before as materialized (
      select past.* from rate_changed
        cross join lateral jsonb_populate_record((
          select exchange_rate from exchange_rate
          where exchange_rate.tenant_id = ${tenant} and exchange_rate.id = rate_changed.id
        ), rate_changed.before) as past
      where not rate_changed.is_new and past.delete_time is null
    )`,
  ];
}

/** None for the currency itself, one of the pair, or two through EUR. */
function conversions(target: string): string {
  const legTo = (name: string, source: string, destination: string) =>
    `left join leg_rate ${name} on ${name}.source = ${source} and ${name}.destination = ${destination} and ${name}.day = wanted.day`;
  return `conversion as materialized (
      select code, wanted.day,
        case when code = ${target} then '[]'::jsonb when direct.rate is not null then jsonb_build_array(direct.rate)
          when code <> 'EUR' and ${target} <> 'EUR' and inward.rate is not null and outward.rate is not null
          then jsonb_build_array(inward.rate, outward.rate) end as rates,
        case when code = ${target} then 1 when direct.rate is not null then direct.multiply
          else inward.multiply * outward.multiply end as multiply,
        case when code = ${target} then 1 when direct.rate is not null then direct.divide
          else inward.divide * outward.divide end as divide
      from wanted ${legTo('direct', 'code', target)} ${legTo('inward', 'code', "'EUR'")} ${legTo('outward', "'EUR'", target)}
    )`;
}

/**
 * An amount of `deal_then` by the rates of `conversion`: exact, and rounded once, half away from zero. Null without rates. The same as
 * `convertAmount` of @rapport/money.
 */
export function convertedBy(amount: string, target: string): string {
  const places = minorUnits(target);
  if (places === undefined) return 'null::numeric';
  const [scale, unit] = [`1${'0'.repeat(places)}`, places === 0 ? '1' : `0.${'1'.padStart(places, '0')}`];
  const above = `(${amount} * conversion.multiply * ${scale})`;
  return `case when conversion.rates is not null
    then sign(${above}) * div(2 * abs(${above}) + conversion.divide, 2 * conversion.divide) * ${unit} end`;
}
