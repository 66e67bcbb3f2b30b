import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/**
 * Adds lines, splits and the value in the base currency to the deals, and to what the change log has of them. The triggers list the
 * columns of the table, so they are created again. The value of a closed deal is set by a trigger: whatever writes a deal closes it at
 * the rate of that day, and no write moves it later.
 */
export class AddValueToDeal extends Migration {
  override name = 'add-value-to-deal';

  override up(): void {
    this.addSql(columns);
    this.addSql(
      triggersOf({
        table: 'deal',
        type: 'deal',
        key: 'id',
        version: '$.version',
        content: [
          'title',
          'customer_id',
          'pipeline_id',
          'stage',
          'status',
          'amount',
          'close_date',
          'stage_time',
          'close_time',
          'lost_reason',
          'rank',
          'rot_time',
          'probability',
          'forecast_category',
          'effective_probability',
          'effective_forecast_category',
          'weighted_amount',
          'amount_mode',
          'line_items',
          'line_currency',
          'line_totals',
          'splits',
          'base_amount',
          'base_rates',
          'owner_id',
          'owner_team_id',
          'external_ids',
          'custom_fields',
          'delete_time',
          'tags',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(values);
    this.addSql(changeLogRights);
  }
}

const columns = `
  alter table deal
    add column amount_mode text check (amount_mode in ('MANUAL', 'LINES')),
    add column line_items jsonb not null default '[]',
    add column line_currency text,
    add column line_totals jsonb,
    add column splits jsonb not null default '[]',
    add column base_amount jsonb,
    add column base_rates jsonb not null default '[]';
  alter table deal
    alter column line_items set statistics 0,
    alter column line_currency set statistics 0,
    alter column line_totals set statistics 0,
    alter column splits set statistics 0,
    alter column base_amount set statistics 0,
    alter column base_rates set statistics 0;

  drop function log_deal_insert, log_deal_update, log_deal_delete cascade;
  drop trigger log_truncate on deal;
  drop trigger log_rename on deal;
`;

const values = `
  -- The day whose rates convert a deal, in UTC.
  create function value_day(status text, close_time timestamptz, today text) returns text language sql immutable as $$
    select case when status in ('WON', 'LOST') and close_time is not null
      then to_char(close_time at time zone 'utc', 'YYYY-MM-DD') else today end
  $$;

  -- The value of a deal in a currency: the stored one of a closed deal, or its amount at the newest rate that is not after
  -- today or the day of closing. Null without an amount, and without a rate.
  create function deal_value(tenant uuid, status text, amount jsonb, close_time timestamptz, base_amount jsonb,
    target_code text, today text) returns numeric language plpgsql stable as $$
  begin
    if amount is null then return null; end if;
    if base_amount ->> 'currencyCode' = target_code then return (base_amount ->> 'amount')::numeric; end if;
    return converted_amount(amount, target_code,
      conversion_rates(tenant, amount ->> 'currencyCode', target_code, value_day(status, close_time, today)));
  end $$;

  -- Sets the value of a deal that closes. An amount that is corrected later, in the same currency, takes the same rates.
  create function keep_deal_value() returns trigger language plpgsql as $$
  declare
    target_code text;
    code text := new.amount ->> 'currencyCode';
    converted numeric;
  begin
    if new.status is distinct from 'WON' and new.status is distinct from 'LOST' or new.amount is null then
      new.base_amount := null;
      new.base_rates := '[]';
      return new;
    end if;
    if tg_op = 'UPDATE' then
      new.base_amount := old.base_amount;
      new.base_rates := old.base_rates;
      if old.base_amount is not null and old.status in ('WON', 'LOST')
        and old.close_time is not distinct from new.close_time and old.amount ->> 'currencyCode' = code then
        if old.amount is distinct from new.amount then
          target_code := old.base_amount ->> 'currencyCode';
          new.base_amount := jsonb_build_object('currencyCode', target_code,
            'amount', converted_amount(new.amount, target_code, new.base_rates)::text);
        end if;
        return new;
      end if;
    end if;
    target_code := base_currency(new.tenant_id);
    new.base_rates := conversion_rates(new.tenant_id, code, target_code,
      value_day(new.status, new.close_time, to_char(now() at time zone 'utc', 'YYYY-MM-DD')));
    converted := converted_amount(new.amount, target_code, new.base_rates);
    if converted is null then
      new.base_amount := null;
      new.base_rates := '[]';
    else
      new.base_amount := jsonb_build_object('currencyCode', target_code, 'amount', converted::text);
    end if;
    return new;
  end $$;

  create trigger keep_deal_value before insert or update of status, amount, close_time, base_amount, base_rates on deal
    for each row execute function keep_deal_value();
`;
