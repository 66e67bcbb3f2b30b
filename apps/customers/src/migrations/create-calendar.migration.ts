import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The calendars: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateCalendar extends Migration {
  override name = 'create-calendar';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'calendar',
        type: 'calendar',
        key: 'id',
        version: '$.version',
        content: ['name', 'time_zone', 'weekly', 'exceptions', 'external_ids', 'delete_time'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table calendar (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    sort_name text collate "C" not null,
    time_zone text not null,
    weekly jsonb not null,
    exceptions jsonb not null,
    external_ids jsonb not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    search_text text not null,
    index_version int not null default 0,
    primary key (tenant_id, id)
  );

  alter table calendar
    alter column name set statistics 0,
    alter column time_zone set statistics 0,
    alter column weekly set statistics 0,
    alter column exceptions set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0;

  create index calendar_live_by_name on calendar (tenant_id, sort_name, id) where delete_time is null;

  create index calendar_deleted_by_name on calendar (tenant_id, sort_name, id) where delete_time is not null;

  create index calendar_live_by_create_time on calendar (tenant_id, create_time, id) where delete_time is null;

  create index calendar_deleted_by_create_time on calendar (tenant_id, create_time, id) where delete_time is not null;

  create index calendar_live_by_update_time on calendar (tenant_id, update_time, id) where delete_time is null;

  create index calendar_deleted_by_update_time on calendar (tenant_id, update_time, id) where delete_time is not null;

  create index calendar_deleted_by_delete_time on calendar (tenant_id, delete_time, id) where delete_time is not null;

  create index calendar_search on calendar using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index calendar_by_index_version on calendar (index_version);

  alter table calendar enable row level security;
  alter table calendar force row level security;
  create policy tenant_isolation on calendar
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table calendar_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    calendar_id uuid not null,
    primary key (tenant_id, type, value),
    constraint calendar_key_calendar foreign key (tenant_id, calendar_id) references calendar (tenant_id, id)
      deferrable initially immediate
  );

  create index calendar_key_by_calendar on calendar_key (tenant_id, calendar_id);

  alter table calendar_key enable row level security;
  alter table calendar_key force row level security;
  create policy tenant_isolation on calendar_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on calendar
    referencing old table as old_row for each statement execute function end_associations();
`;
