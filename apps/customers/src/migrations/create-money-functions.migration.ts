import { Migration } from '@mikro-orm/migrations';

/**
 * Conversions in SQL, for values that are stored with a deal as it closes and for sums over many deals. They compute what `convertAmount`
 * of @rapport/money does: exactly, and rounded once, half away from zero.
 */
export class CreateMoneyFunctions extends Migration {
  override name = 'create-money-functions';

  override up(): void {
    this.addSql(lookups);
    this.addSql(arithmetic);
  }
}

const lookups = `
  create unique index exchange_rate_by_pair on exchange_rate (tenant_id, base_currency, quote_currency, date)
    where delete_time is null;

  -- The currency of totals in the settings.
  create function base_currency(tenant uuid) returns text language sql stable as $$
    select coalesce((select base_currency from workspace_settings where tenant_id = tenant), 'USD')
  $$;

  -- The newest rate of two currencies, in either direction, that is not after a day, as a ConversionRate of the contract.
  -- Of two rates of one day, that of the direction that is asked for.
  create function newest_rate(tenant uuid, source_code text, target_code text, day text) returns jsonb language sql stable as $$
    select jsonb_build_object('id', id, 'baseCurrency', base_currency, 'quoteCurrency', quote_currency, 'rate', rate,
      'date', date, 'source', case source when 'MANUAL' then 1 when 'ECB' then 2 else 3 end)
    from (
      (select * from exchange_rate
        where tenant_id = tenant and base_currency = source_code and quote_currency = target_code and date <= day
          and delete_time is null
        order by date desc limit 1)
      union all
      (select * from exchange_rate
        where tenant_id = tenant and base_currency = target_code and quote_currency = source_code and date <= day
          and delete_time is null
        order by date desc limit 1)
    ) found
    order by date desc, base_currency = source_code desc limit 1
  $$;

  -- The rates that convert one currency into another: none for the same one, one of the pair, or two through EUR. Null if
  -- one is missing.
  create function conversion_rates(tenant uuid, source_code text, target_code text, day text) returns jsonb
  language plpgsql stable as $$
  declare
    direct jsonb;
    leg jsonb;
  begin
    if source_code = target_code then return '[]'; end if;
    direct := newest_rate(tenant, source_code, target_code, day);
    if direct is not null then return jsonb_build_array(direct); end if;
    if source_code = 'EUR' or target_code = 'EUR' then return null; end if;
    direct := newest_rate(tenant, source_code, 'EUR', day);
    leg := newest_rate(tenant, 'EUR', target_code, day);
    if direct is null or leg is null then return null; end if;
    return jsonb_build_array(direct, leg);
  end $$;
`;

const arithmetic = `
  -- Digits of the minor unit by ISO 4217. Null for what has none, such as gold. The same as minorUnits of @rapport/money.
  create function minor_units(code text) returns int language sql immutable as $$
    select case
      when code in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF',
        'XOF', 'XPF') then 0
      when code in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
      when code in ('CLF', 'UYW') then 4
      when code in ('XAD', 'XAG', 'XAU', 'XBA', 'XBB', 'XBC', 'XBD', 'XDR', 'XPD', 'XPT', 'XSU', 'XTS', 'XUA', 'XXX') then null
      else 2 end
  $$;

  -- An amount in a currency, by the rates of conversion_rates. Null for a currency without a minor unit, and without rates.
  create function converted_amount(money jsonb, target_code text, rates jsonb) returns numeric language plpgsql immutable as $$
  declare
    places int := minor_units(target_code);
    above numeric := (money ->> 'amount')::numeric;
    below numeric := 1;
    code text := money ->> 'currencyCode';
    rate jsonb;
  begin
    if rates is null then return null; end if;
    for rate in select jsonb_array_elements(rates) loop
      if rate ->> 'baseCurrency' = code then
        above := above * (rate ->> 'rate')::numeric;
        code := rate ->> 'quoteCurrency';
      else
        below := below * (rate ->> 'rate')::numeric;
        code := rate ->> 'baseCurrency';
      end if;
    end loop;
    above := above * case places when 0 then 1 when 2 then 100 when 3 then 1000 when 4 then 10000 end;
    return sign(above) * div(2 * abs(above) + below, 2 * below)
      * case places when 0 then 1 when 2 then 0.01 when 3 then 0.001 when 4 then 0.0001 end;
  end $$;
`;
