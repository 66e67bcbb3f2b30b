import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { ConversionRate } from '@rapport/contracts/rapport/sales/v1/currencies_service';
import { DealStatus, type Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import {
  DealValuesServiceService as Methods,
  type DealValue,
  type DealValuesServiceServer,
  type GetDealValueRequest,
  type SumDealValuesRequest,
  type SumDealValuesResponse,
} from '@rapport/contracts/rapport/sales/v1/deal_values_service';
import { crossRate, sumText } from '@rapport/money';
import { readEachForTenant, readForTenant, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { baseCurrency } from '../../engine/query/base-currency.js';
import { ofAll } from '../../engine/query/list/planner-settings.js';
import { missingRecord } from '../../engine/records/missing-record.js';
import { Values } from '../../engine/values/statement-values.js';
import { conversionRates, convertedBy, isKept, valueDay } from '../exchange-rates/conversion-rates.js';
import { deals } from './deals.js';

interface ValueRow {
  amount: Deal['amount'] | null;
  base_code: string;
  value: string | null;
  rates: ConversionRate[] | null;
  day: string;
  kept: boolean;
}

interface SumRow {
  status: 'OPEN' | 'WON' | 'LOST';
  count: string;
  sum: string;
  missing_count: string;
  missing: string[];
}

@Controller()
@ImplementsService(Methods)
export class DealValuesController implements ServiceHandlers<DealValuesServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async getDealValue({ id }: GetDealValueRequest): Promise<DealValue> {
    const [row] = await readForTenant<ValueRow>(this.em, {
      name: 'value_of_deal',
      // The stored rates are those of a stored value in the currency of today's settings.
      sql: `select amount, base_code, day, kept,
          deal_value(tenant_id, status, amount, close_time, base_amount, base_code, day)::text as value,
          case when kept then base_rates else conversion_rates(tenant_id, amount ->> 'currencyCode', base_code, day) end as rates
        from (
          select deal.*, base_code, value_day(status, close_time, $3) as day,
            coalesce(base_amount ->> 'currencyCode' = base_code, false) as kept
          from deal cross join base_currency($1) base_code
          where tenant_id = $1 and id = $2 and delete_time is null
        ) deal`,
      values: [currentCaller().tenantId, id, today()],
    });
    if (!row) throw await missingRecord(this.em, deals, id);
    const { amount, value, rates, base_code: currencyCode, day, kept } = row;
    const isConverted = amount && value !== null && rates !== null;
    return {
      amount: amount ?? undefined,
      baseAmount: value === null ? undefined : { currencyCode, amount: value },
      conversion: isConverted ? { rate: crossRate(amount.currencyCode, currencyCode, rates), rates } : undefined,
      date: day,
      kept,
    };
  }

  async sumDealValues(request: SumDealValuesRequest): Promise<SumDealValuesResponse> {
    const currencyCode = await baseCurrency(this.em);
    const [rows = []] = await readEachForTenant<SumRow>(this.em, [sumStatement(request, currencyCode)], ofAll);
    return {
      currencyCode,
      sums: rows.map(({ status, count, sum, missing_count: missingCount, missing }) => ({
        status: DealStatus[status],
        ...{
          count: Number(count),
          sum: sumText(sum, currencyCode),
          missingCount: Number(missingCount),
          missingCurrencies: missing,
        },
      })),
    };
  }
}

/** Each deal is converted and rounded, with the rates of each currency and day looked up once. */
function sumStatement({ pipelineId, ownerId }: SumDealValuesRequest, currency: string): Statement {
  const values = new Values();
  const { tenantId } = currentCaller();
  const [tenant, target, day] = [values.add(tenantId), values.add(currency), values.add(today())];
  const ofPipeline = pipelineId === undefined ? '' : `and pipeline_id = ${values.add(pipelineId)}::uuid`;
  const ofOwner = ownerId === undefined ? '' : `and owner_id = ${values.add(ownerId)}::uuid`;
  const ctes = [
    `deal_then as materialized (
      select status, amount, close_time, base_amount from deal
      where tenant_id = ${tenant} and delete_time is null and amount is not null ${ofPipeline} ${ofOwner}
    )`,
    ...conversionRates({ tenantId, since: undefined }, { target, day }, values),
  ];
  const sql = `with ${ctes.join(', ')}
    select status, count(value), coalesce(sum(value), 0)::text as sum, count(*) filter (where value is null) as missing_count,
      coalesce(array_agg(distinct code) filter (where value is null), '{}') as missing
    from (
      select status, amount ->> 'currencyCode' as code,
        case when ${isKept(target)} then (base_amount ->> 'amount')::numeric
          else ${convertedBy(`(amount ->> 'amount')::numeric`, currency)} end as value
      from deal_then left join conversion
        on conversion.code = amount ->> 'currencyCode' and conversion.day = ${valueDay(day)}
    ) valued
    group by status order by status`;
  return { sql, values: values.all };
}

/** In UTC, like the days of rates. */
function today(): string {
  return new Date().toISOString().slice(0, 10);
}
