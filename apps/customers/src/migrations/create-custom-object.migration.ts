import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The customObjects: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateCustomObject extends Migration {
  override name = 'create-custom-object';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'custom_object',
        type: 'custom_object',
        key: 'id',
        version: '$.version',
        content: ['key', 'display_name', 'display_name_plural', 'description', 'delete_time'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table custom_object (
    tenant_id uuid not null,
    id uuid not null,
    key text not null,
    display_name text not null,
    sort_display_name text collate "C" not null,
    display_name_plural text,
    description text,
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

  alter table custom_object
    alter column key set statistics 0,
    alter column display_name set statistics 0,
    alter column display_name_plural set statistics 0,
    alter column description set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0;

  create index custom_object_live_by_display_name on custom_object (tenant_id, sort_display_name, id)
    where delete_time is null;

  create index custom_object_deleted_by_display_name on custom_object (tenant_id, sort_display_name, id)
    where delete_time is not null;

  create index custom_object_live_by_create_time on custom_object (tenant_id, create_time, id)
    where delete_time is null;

  create index custom_object_deleted_by_create_time on custom_object (tenant_id, create_time, id)
    where delete_time is not null;

  create index custom_object_live_by_update_time on custom_object (tenant_id, update_time, id)
    where delete_time is null;

  create index custom_object_deleted_by_update_time on custom_object (tenant_id, update_time, id)
    where delete_time is not null;

  create index custom_object_deleted_by_delete_time on custom_object (tenant_id, delete_time, id)
    where delete_time is not null;

  create index custom_object_search on custom_object using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index custom_object_by_index_version on custom_object (index_version);

  alter table custom_object enable row level security;
  alter table custom_object force row level security;
  create policy tenant_isolation on custom_object
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table custom_object_key (
    tenant_id uuid not null,
    type text not null check (type in ('KEY')),
    value text collate "C" not null,
    custom_object_id uuid not null,
    primary key (tenant_id, type, value),
    constraint custom_object_key_custom_object foreign key (tenant_id, custom_object_id)
      references custom_object (tenant_id, id)
      deferrable initially immediate
  );

  create index custom_object_key_by_custom_object on custom_object_key (tenant_id, custom_object_id);

  alter table custom_object_key enable row level security;
  alter table custom_object_key force row level security;
  create policy tenant_isolation on custom_object_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on custom_object
    referencing old table as old_row for each statement execute function end_associations();
`;
