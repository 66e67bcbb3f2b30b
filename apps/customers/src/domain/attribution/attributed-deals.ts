import type { ComputeAttributionsRequest } from '@rapport/contracts/rapport/marketing/v1/attributions_service';
import { readForTenant } from '@rapport/persistence';
import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { baseCurrency } from '../../engine/query/base-currency.js';

/** Deals that one statement reads. */
const pageSize = 1_000;

/** Touchpoints of a deal that count: the first, and the latest others. */
const maxTouches = 1_000;

/** A touchpoint of a deal. */
export interface Touch {
  campaign_id: string | null;
  form_id: string | null;
  kind: string;
  ms: number;
}

/** A deal that was won. */
export interface WonDeal {
  id: string;
  won_ms: number;
  /** In the wanted currency, as decimal text. Null without an amount, and without a rate. */
  value: string | null;
  /** The earliest first. */
  touches: Touch[];
}

/** What is computed. */
export interface AttributionRange {
  since: string;
  until: string;
  windowDays: number;
  currency: string;
}

/** The currency of the amounts: that of the request, or else the base currency. */
export async function currencyOf(em: EntityManager, { currency }: ComputeAttributionsRequest): Promise<string> {
  return currency ?? baseCurrency(em);
}

/** Reads the deals that were won in a range in pages, in order of the time. Row-level security leaves those that the caller can see. */
export async function* wonDeals(em: EntityManager, range: AttributionRange): AsyncGenerator<WonDeal[], void> {
  let after: { closeTime: string; id: string } | undefined;
  for (;;) {
    const rows: (WonDeal & { close_time: string })[] = await readForTenant(em, pageStatement(range, after));
    yield rows;
    const last = rows.at(-1);
    if (rows.length < pageSize || !last) return;
    after = { closeTime: last.close_time, id: last.id };
  }
}

function pageStatement(
  { since, until, windowDays, currency }: AttributionRange,
  after: { closeTime: string; id: string } | undefined,
) {
  return {
    name: 'won_deals_with_touchpoints',
    sql: `select deal.id, (extract(epoch from deal.close_time) * 1000)::float8 as won_ms, deal.close_time::text as close_time,
        deal_value($1, deal.status, deal.amount, deal.close_time, deal.base_amount, $5, $8)::text as value,
        touched.touches
      from (
        select * from deal where tenant_id = $1 and status = 'WON' and delete_time is null
          and close_time >= $2 and close_time < $3
          and ($6::timestamptz is null or (close_time, id) > ($6, $7::uuid))
        order by close_time, id limit ${pageSize}
      ) deal cross join lateral (
        select coalesce(jsonb_agg(jsonb_build_object('campaign_id', campaign_id, 'form_id', form_id, 'kind', kind,
            'ms', (extract(epoch from time) * 1000)::float8) order by time, id), '[]') as touches
        from (
          select id, time, campaign_id, form_id, kind, row_number() over (order by time, id) as place, count(*) over () as places
          from touchpoint where tenant_id = $1 and customer_id = deal.customer_id and delete_time is null
            and time <= deal.close_time and time > deal.close_time - make_interval(days => $4)
            and (deal_id is null or deal_id = deal.id)
        ) touch
        where place = 1 or place > places - ${maxTouches - 1}
      ) touched
      order by deal.close_time, deal.id`,
    values: [
      ...[currentCaller().tenantId, since, until, windowDays, currency],
      ...[after?.closeTime ?? null, after?.id ?? null, new Date().toISOString().slice(0, 10)],
    ],
  };
}
