import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The slaPolicies: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateSlaPolicy extends Migration {
  override name = 'create-sla-policy';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'sla_policy',
        type: 'sla_policy',
        key: 'id',
        version: '$.version',
        content: [
          'key',
          'name',
          'position',
          'filter',
          'calendar_id',
          'targets',
          'state',
          'active_version',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table sla_policy (
    tenant_id uuid not null,
    id uuid not null,
    key text not null,
    name text not null,
    sort_name text collate "C" not null,
    position int,
    filter text,
    calendar_id uuid not null,
    targets jsonb not null,
    state text check (state in ('DRAFT', 'ACTIVE', 'RETIRED')),
    active_version int,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    search_text text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id),
    constraint sla_policy_calendar foreign key (tenant_id, calendar_id) references calendar (tenant_id, id)
  );

  alter table sla_policy
    alter column key set statistics 0,
    alter column name set statistics 0,
    alter column filter set statistics 0,
    alter column targets set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index sla_policy_live_by_name on sla_policy (tenant_id, sort_name, id) where delete_time is null;

  create index sla_policy_deleted_by_name on sla_policy (tenant_id, sort_name, id) where delete_time is not null;

  create index sla_policy_live_by_position on sla_policy (tenant_id, position, id) where delete_time is null;

  create index sla_policy_live_by_create_time on sla_policy (tenant_id, create_time, id) where delete_time is null;

  create index sla_policy_deleted_by_create_time on sla_policy (tenant_id, create_time, id)
    where delete_time is not null;

  create index sla_policy_live_by_update_time on sla_policy (tenant_id, update_time, id) where delete_time is null;

  create index sla_policy_deleted_by_update_time on sla_policy (tenant_id, update_time, id)
    where delete_time is not null;

  create index sla_policy_deleted_by_delete_time on sla_policy (tenant_id, delete_time, id)
    where delete_time is not null;

  create index sla_policy_by_calendar on sla_policy (tenant_id, calendar_id);

  create index sla_policy_terms on sla_policy using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index sla_policy_search on sla_policy using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index sla_policy_by_index_version on sla_policy (index_version);

  alter table sla_policy enable row level security;
  alter table sla_policy force row level security;
  create policy tenant_isolation on sla_policy
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table sla_policy_key (
    tenant_id uuid not null,
    type text not null check (type in ('KEY')),
    value text collate "C" not null,
    sla_policy_id uuid not null,
    primary key (tenant_id, type, value),
    constraint sla_policy_key_sla_policy foreign key (tenant_id, sla_policy_id) references sla_policy (tenant_id, id)
      deferrable initially immediate
  );

  create index sla_policy_key_by_sla_policy on sla_policy_key (tenant_id, sla_policy_id);

  alter table sla_policy_key enable row level security;
  alter table sla_policy_key force row level security;
  create policy tenant_isolation on sla_policy_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on sla_policy
    referencing old table as old_row for each statement execute function end_associations();
`;
