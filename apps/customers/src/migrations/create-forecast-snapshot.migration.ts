import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';

/** Snapshots of forecasts, which outlive the change log, and when the next one of each workspace is due. */
export class CreateForecastSnapshot extends Migration {
  override name = 'create-forecast-snapshot';

  override up(): void {
    this.addSql(tables);
    for (const table of ['forecast_snapshot', 'forecast_snapshot_row', 'forecast_snapshot_quota']) {
      this.addSql(isolation(table));
    }
    this.addSql(schedule);
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table forecast_snapshot (
    tenant_id uuid not null,
    id uuid not null,
    time timestamptz(3) not null,
    nightly boolean not null,
    log_position bigint not null,
    time_zone text not null,
    fiscal_year_start_month int not null,
    first_month text collate "C" not null,
    last_month text collate "C" not null,
    row_count int not null,
    create_time timestamptz(3) not null,
    created_by text not null,
    primary key (tenant_id, id)
  );
  create index forecast_snapshot_by_time on forecast_snapshot (tenant_id, time, id);
  create unique index forecast_snapshot_of_night on forecast_snapshot (tenant_id, time) where nightly;

  create table forecast_snapshot_row (
    tenant_id uuid not null,
    snapshot_id uuid not null,
    number int not null,
    owner_id uuid,
    owner_team_id uuid,
    pipeline_id uuid not null,
    stage text not null,
    category text not null,
    month text collate "C" not null,
    currency text,
    deal_count int not null,
    amount numeric,
    weighted numeric,
    primary key (tenant_id, snapshot_id, number),
    foreign key (tenant_id, snapshot_id) references forecast_snapshot (tenant_id, id) on delete cascade
  );

  create table forecast_snapshot_quota (
    tenant_id uuid not null,
    snapshot_id uuid not null,
    number int not null,
    period text not null,
    owner_id uuid,
    owner_team_id uuid,
    category text,
    amount jsonb not null,
    primary key (tenant_id, snapshot_id, number),
    foreign key (tenant_id, snapshot_id) references forecast_snapshot (tenant_id, id) on delete cascade
  );
`;

function isolation(table: string): string {
  return `
    alter table ${table} enable row level security;
    alter table ${table} force row level security;
    create policy tenant_isolation on ${table}
      using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
      with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
  `;
}

/** Of all tenants, since one worker looks for those that are due. A workspace with a pipeline has one. */
const schedule = `
  create table forecast_schedule (
    tenant_id uuid not null primary key,
    due_time timestamptz not null
  );
  create index forecast_schedule_by_time on forecast_schedule (due_time);

  insert into forecast_schedule (tenant_id, due_time) select distinct tenant_id, now() from pipeline;

  create function schedule_forecasts() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
  begin
    insert into forecast_schedule (tenant_id, due_time) select distinct tenant_id, now() from new_row
      on conflict (tenant_id) do nothing;
    return null;
  end $$;

  create trigger schedule_forecasts after insert on pipeline
    referencing new table as new_row for each statement execute function schedule_forecasts();
`;
