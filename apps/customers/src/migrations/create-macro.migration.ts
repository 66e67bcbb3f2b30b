import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The macros: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateMacro extends Migration {
  override name = 'create-macro';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'macro',
        type: 'macro',
        key: 'id',
        version: '$.version',
        content: ['name', 'description', 'actions', 'visibility', 'team_ids', 'external_ids', 'delete_time'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table macro (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    sort_name text collate "C" not null,
    description text,
    actions jsonb not null,
    visibility text check (visibility in ('EVERYONE', 'TEAMS', 'CREATOR')),
    team_ids text[] not null,
    external_ids jsonb not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    search_text text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id)
  );

  alter table macro
    alter column name set statistics 0,
    alter column description set statistics 0,
    alter column actions set statistics 0,
    alter column team_ids set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index macro_live_by_name on macro (tenant_id, sort_name, id) where delete_time is null;

  create index macro_deleted_by_name on macro (tenant_id, sort_name, id) where delete_time is not null;

  create index macro_live_by_create_time on macro (tenant_id, create_time, id) where delete_time is null;

  create index macro_deleted_by_create_time on macro (tenant_id, create_time, id) where delete_time is not null;

  create index macro_live_by_update_time on macro (tenant_id, update_time, id) where delete_time is null;

  create index macro_deleted_by_update_time on macro (tenant_id, update_time, id) where delete_time is not null;

  create index macro_deleted_by_delete_time on macro (tenant_id, delete_time, id) where delete_time is not null;

  create index macro_terms on macro using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index macro_search on macro using gin (tenant_id, search_text gin_trgm_ops) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index macro_by_index_version on macro (index_version);

  alter table macro enable row level security;
  alter table macro force row level security;
  create policy tenant_isolation on macro
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table macro_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    macro_id uuid not null,
    primary key (tenant_id, type, value),
    constraint macro_key_macro foreign key (tenant_id, macro_id) references macro (tenant_id, id)
      deferrable initially immediate
  );

  create index macro_key_by_macro on macro_key (tenant_id, macro_id);

  alter table macro_key enable row level security;
  alter table macro_key force row level security;
  create policy tenant_isolation on macro_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on macro
    referencing old table as old_row for each statement execute function end_associations();
`;
