import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The objectRecords: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateObjectRecord extends Migration {
  override name = 'create-object-record';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'object_record',
        type: 'object_record',
        key: 'id',
        version: '$.version',
        content: [
          'object',
          'name',
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
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table object_record (
    tenant_id uuid not null,
    id uuid not null,
    object text not null,
    name text not null,
    sort_name text collate "C" not null,
    owner_id uuid,
    owner_team_id uuid,
    external_ids jsonb not null,
    custom_fields jsonb not null default '{}',
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    tags text[] not null,
    search_text text not null,
    terms text[] not null default '{}',
    order_values jsonb not null default '{}',
    index_version int not null default 0,
    sealed boolean not null default false,
    primary key (tenant_id, id)
  );

  alter table object_record
    alter column object set statistics 0,
    alter column name set statistics 0,
    alter column external_ids set statistics 0,
    alter column custom_fields set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0,
    alter column order_values set statistics 0;

  create index object_record_live_by_name on object_record (tenant_id, object, sort_name, id) where delete_time is null;

  create index object_record_deleted_by_name on object_record (tenant_id, object, sort_name, id)
    where delete_time is not null;

  create index object_record_live_by_create_time on object_record (tenant_id, object, create_time,
    id) include (owner_id, owner_team_id) where delete_time is null;

  create index object_record_deleted_by_create_time on object_record (tenant_id, object, create_time, id)
    where delete_time is not null;

  create index object_record_live_by_update_time on object_record (tenant_id, object, update_time, id)
    where delete_time is null;

  create index object_record_deleted_by_update_time on object_record (tenant_id, object, update_time, id)
    where delete_time is not null;

  create index object_record_deleted_by_delete_time on object_record (tenant_id, object, delete_time, id)
    where delete_time is not null;

  create index object_record_live_by_id on object_record (tenant_id, object, id) where delete_time is null;

  create index object_record_live_by_update_time_of_all on object_record (tenant_id, update_time, id)
    where delete_time is null;

  create index object_record_terms on object_record using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index object_record_search on object_record using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index object_record_by_index_version on object_record (index_version);

  alter table object_record enable row level security;
  alter table object_record force row level security;
  create policy tenant_isolation on object_record
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy record_scope on object_record as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]))
    with check ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]));

  create policy sealed_only on object_record as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create table object_record_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    object_record_id uuid not null,
    primary key (tenant_id, type, value),
    constraint object_record_key_object_record foreign key (tenant_id, object_record_id)
      references object_record (tenant_id, id)
      deferrable initially immediate
  );

  create index object_record_key_by_object_record on object_record_key (tenant_id, object_record_id);

  alter table object_record_key enable row level security;
  alter table object_record_key force row level security;
  create policy tenant_isolation on object_record_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table object_record_order_value (
    tenant_id uuid not null,
    field text not null,
    value text collate "C" not null,
    object_record_id uuid not null,
    primary key (tenant_id, field, value, object_record_id)
  );

  alter table object_record_order_value enable row level security;
  alter table object_record_order_value force row level security;
  create policy tenant_isolation on object_record_order_value
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create function insert_object_record_order_values() returns trigger language plpgsql as $$
  begin
    insert into object_record_order_value (tenant_id, field, value, object_record_id)
      select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    return null;
  end $$;

  create function update_object_record_order_values() returns trigger language plpgsql as $$
  begin
    if old.delete_time is null then
      delete from object_record_order_value stored using jsonb_each_text(old.order_values) entry
      where (stored.tenant_id, stored.field, stored.value, stored.object_record_id) = (old.tenant_id, entry.key,
        entry.value, old.id);
    end if;
    if new.delete_time is null then
      insert into object_record_order_value (tenant_id, field, value, object_record_id)
        select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    end if;
    return null;
  end $$;

  create function delete_object_record_order_values() returns trigger language plpgsql as $$
  begin
    delete from object_record_order_value stored using old_row, jsonb_each_text(old_row.order_values) entry
    where (stored.tenant_id, stored.field, stored.value, stored.object_record_id) = (old_row.tenant_id, entry.key,
      entry.value, old_row.id);
    return null;
  end $$;

  create trigger insert_object_record_order_values after insert on object_record for each row
    when (new.delete_time is null and new.order_values <> '{}') execute function insert_object_record_order_values();

  create trigger update_object_record_order_values after update on object_record for each row
    when (old.order_values <> new.order_values
      or new.order_values <> '{}' and (old.delete_time is null) <> (new.delete_time is null))
    execute function update_object_record_order_values();

  create trigger delete_object_record_order_values after delete on object_record
    referencing old table as old_row for each statement execute function delete_object_record_order_values();

  create trigger end_associations after delete on object_record
    referencing old table as old_row for each statement execute function end_associations();
`;
