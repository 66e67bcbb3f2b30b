import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The quotas: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateQuota extends Migration {
  override name = 'create-quota';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'quota',
        type: 'quota',
        key: 'id',
        version: '$.version',
        content: ['name', 'period', 'category', 'amount', 'key', 'owner_id', 'owner_team_id', 'delete_time', 'tags'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table quota (
    tenant_id uuid not null,
    id uuid not null,
    name text,
    sort_name text collate "C",
    period text not null,
    category text check (category in ('OMITTED', 'PIPELINE', 'BEST_CASE', 'COMMIT', 'CLOSED')),
    amount jsonb not null,
    amount_order text collate "C" not null,
    key text not null,
    owner_id uuid,
    owner_team_id uuid,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    tags text[] not null,
    search_text text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id)
  );

  alter table quota
    alter column name set statistics 0,
    alter column amount set statistics 0,
    alter column key set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0;

  create index quota_live_by_name on quota (tenant_id, sort_name, id) where delete_time is null;

  create index quota_deleted_by_name on quota (tenant_id, sort_name, id) where delete_time is not null;

  create index quota_live_by_amount on quota (tenant_id, amount_order, id) where delete_time is null;

  create index quota_live_by_create_time on quota (tenant_id, create_time, id) include (owner_id, owner_team_id)
    where delete_time is null;

  create index quota_deleted_by_create_time on quota (tenant_id, create_time, id) where delete_time is not null;

  create index quota_live_by_update_time on quota (tenant_id, update_time, id) where delete_time is null;

  create index quota_deleted_by_update_time on quota (tenant_id, update_time, id) where delete_time is not null;

  create index quota_deleted_by_delete_time on quota (tenant_id, delete_time, id) where delete_time is not null;

  create index quota_terms on quota using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index quota_search on quota using gin (tenant_id, search_text gin_trgm_ops) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index quota_by_index_version on quota (index_version);

  alter table quota enable row level security;
  alter table quota force row level security;
  create policy tenant_isolation on quota
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy record_scope on quota as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]))
    with check ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]));

  create table quota_key (
    tenant_id uuid not null,
    type text not null check (type in ('KEY')),
    value text collate "C" not null,
    quota_id uuid not null,
    primary key (tenant_id, type, value),
    constraint quota_key_quota foreign key (tenant_id, quota_id) references quota (tenant_id, id)
      deferrable initially immediate
  );

  create index quota_key_by_quota on quota_key (tenant_id, quota_id);

  alter table quota_key enable row level security;
  alter table quota_key force row level security;
  create policy tenant_isolation on quota_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on quota
    referencing old table as old_row for each statement execute function end_associations();
`;
