import { Migration } from '@mikro-orm/migrations';

/** Reads what all records of a type were at a time, for forecasts. */
export class ReadRecordsAsOf extends Migration {
  override name = 'read-records-as-of';

  override up(): void {
    this.addSql(recordsBefore);
    this.addSql(valuesAfterErasure);
  }
}

const recordsBefore = `
  -- The values that changes have replaced: of two with the same key, the later one of the aggregate. NULL changes nothing.
  create aggregate reverted(jsonb) (sfunc = jsonb_concat, stype = jsonb, initcond = '{}');

  -- A position of a tenant's changes, not after the first one that was made since a time. Positions follow the order in which changes
  -- became visible. No transaction takes an hour, so that changes two hours apart have positions in their order.
  create function position_since(of_tenant uuid, since timestamptz) returns bigint
    language plpgsql stable security definer set search_path = public, pg_temp set enable_seqscan = off as $$
  declare
    low bigint := (select position from change_log where tenant_id = of_tenant order by position limit 1);
    high bigint := (select position from change_log where tenant_id = of_tenant order by position desc limit 1);
    middle bigint;
    found_position bigint;
    found_time timestamptz;
  begin
    while low < high loop
      middle := low + (high - low) / 2;
      select position, time into found_position, found_time from change_log
        where tenant_id = of_tenant and position >= middle order by position limit 1;
      if found_time >= since - interval '1 hour' then high := middle; else low := found_position + 1; end if;
    end loop;
    return coalesce(low, 0);
  end $$;

  -- The records of the caller's tenant that changed since a time, with the values that they had before, those in the outbox included:
  -- together with the rows in the same statement they are of one moment. Values that did not change are not in "before". is_new: the
  -- record did not exist.
  create function records_before(of_type text, since timestamptz)
    returns table (record_id text, is_new boolean, before jsonb)
    language plpgsql stable security definer set search_path = public, pg_temp set enable_seqscan = off as $$
  declare
    tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    first_position bigint := position_since(tenant, since);
  begin
    return query
      select changes.record_id, bool_or(changes.operation = 'CREATE'),
        reverted(changes.before::jsonb order by changes.age, changes.place desc)
      from (
        select 1 as age, o.sequence as place, o.record_id, o.operation, o.before from outbox o
        where o.tenant_id = tenant and o.type = of_type and o.time > since
        union all
        select 2, c.position, c.record_id, c.operation, c.before from change_log c
        where c.tenant_id = tenant and c.position >= first_position and c.type = of_type and c.time > since
      ) changes
      group by changes.record_id;
  end $$;

  revoke execute on function position_since(uuid, timestamptz) from public;
`;

/** What forecasts sum is not personal data: the deals of an erased customer keep it, and so does the log. */
const valuesAfterErasure = `
  create or replace function values_after_erasure(recorded json) returns json language sql immutable as $$
    select json_object_agg(key, value) from (
      select key, value from json_each(recorded)
      where key in ('id', 'kind', 'version', 'create_time', 'update_time', 'delete_time', 'created_by', 'updated_by',
        'merged_into_id', 'from_customer_id', 'to_customer_id', 'type', 'customer_id', 'merged_id', 'undo_time',
        'undone_by', 'purpose', 'channel', 'state', 'legal_basis', 'time',
        'pipeline_id', 'stage', 'status', 'amount', 'weighted_amount', 'effective_forecast_category', 'close_date',
        'close_time', 'owner_id', 'owner_team_id')
      union all
      select 'erased', 'true'::json
    ) kept
    where recorded is not null
  $$;
`;
