import { Migration } from '@mikro-orm/migrations';

/**
 * Takes nightly forecast snapshots by timers. They replace forecast_schedule, which no release has used. The first timer of a workspace
 * is due an hour after its first pipeline, so that an import of a workspace can bring the snapshots of the last night.
 */
export class TimeForecastSnapshots extends Migration {
  override name = 'time-forecast-snapshots';

  override up(): void {
    this.addSql(`
      create function set_forecast_timer(of_tenant uuid, due timestamptz) returns void language sql as $$
        with set as (
          insert into timer (tenant_id, id, kind, record_type, record_id, purpose, due_time, payload, state, create_time)
          values (of_tenant, gen_random_uuid(), 'forecast.snapshot', 'forecast_snapshot', of_tenant, 'nightly', due, '{}', 'PENDING',
            rapport_clock())
          on conflict (tenant_id, record_type, record_id, kind, purpose) where state = 'PENDING' do nothing
          returning tenant_id, id, due_time)
        insert into timer_job (tenant_id, timer_id, next_time) select * from set
      $$;

      create or replace function schedule_forecasts() returns trigger
        language plpgsql security definer set search_path = public, pg_temp as $$
      begin
        perform set_forecast_timer(tenant_id, rapport_clock() + interval '1 hour') from (select distinct tenant_id from new_row) made;
        return null;
      end $$;

      do $$
      declare
        scheduled record;
      begin
        for scheduled in select tenant_id, due_time from forecast_schedule loop
          perform set_config('app.tenant_id', scheduled.tenant_id::text, true);
          perform set_forecast_timer(scheduled.tenant_id, scheduled.due_time);
        end loop;
        perform set_config('app.tenant_id', '', true);
      end $$;

      drop table forecast_schedule;
    `);
  }
}
