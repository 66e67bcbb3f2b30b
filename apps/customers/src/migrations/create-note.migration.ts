import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The notes: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateNote extends Migration {
  override name = 'create-note';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'note',
        type: 'note',
        key: 'id',
        version: '$.version',
        content: [
          'title',
          'body',
          'pinned',
          'customer_id',
          'related',
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
  create table note (
    tenant_id uuid not null,
    id uuid not null,
    title text not null,
    sort_title text collate "C" not null,
    body text not null,
    pinned boolean,
    customer_id uuid,
    related jsonb not null,
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
    primary key (tenant_id, id),
    constraint note_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id)
  );

  alter table note
    alter column title set statistics 0,
    alter column body set statistics 0,
    alter column related set statistics 0,
    alter column external_ids set statistics 0,
    alter column custom_fields set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0,
    alter column order_values set statistics 0;

  create index note_live_by_title on note (tenant_id, sort_title, id) where delete_time is null;

  create index note_live_by_create_time on note (tenant_id, create_time, id) include (owner_id, owner_team_id)
    where delete_time is null;

  create index note_deleted_by_create_time on note (tenant_id, create_time, id) where delete_time is not null;

  create index note_live_by_update_time on note (tenant_id, update_time, id) where delete_time is null;

  create index note_deleted_by_update_time on note (tenant_id, update_time, id) where delete_time is not null;

  create index note_deleted_by_delete_time on note (tenant_id, delete_time, id) where delete_time is not null;

  create index note_by_customer on note (tenant_id, customer_id) where customer_id is not null;

  create index note_terms on note using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index note_deleted_terms on note using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is not null;

  create index note_search on note using gin (tenant_id, search_text gin_trgm_ops) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index note_by_index_version on note (index_version);

  alter table note enable row level security;
  alter table note force row level security;
  create policy tenant_isolation on note
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy record_scope on note as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]))
    with check ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]));

  create policy sealed_only on note as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create table note_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    note_id uuid not null,
    primary key (tenant_id, type, value),
    constraint note_key_note foreign key (tenant_id, note_id) references note (tenant_id, id)
      deferrable initially immediate
  );

  create index note_key_by_note on note_key (tenant_id, note_id);

  alter table note_key enable row level security;
  alter table note_key force row level security;
  create policy tenant_isolation on note_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table note_order_value (
    tenant_id uuid not null,
    field text not null,
    value text collate "C" not null,
    note_id uuid not null,
    primary key (tenant_id, field, value, note_id)
  );

  alter table note_order_value enable row level security;
  alter table note_order_value force row level security;
  create policy tenant_isolation on note_order_value
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create function insert_note_order_values() returns trigger language plpgsql as $$
  begin
    insert into note_order_value (tenant_id, field, value, note_id)
      select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    return null;
  end $$;

  create function update_note_order_values() returns trigger language plpgsql as $$
  begin
    if old.delete_time is null then
      delete from note_order_value stored using jsonb_each_text(old.order_values) entry
      where (stored.tenant_id, stored.field, stored.value, stored.note_id) = (old.tenant_id, entry.key, entry.value,
        old.id);
    end if;
    if new.delete_time is null then
      insert into note_order_value (tenant_id, field, value, note_id)
        select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    end if;
    return null;
  end $$;

  create function delete_note_order_values() returns trigger language plpgsql as $$
  begin
    delete from note_order_value stored using old_row, jsonb_each_text(old_row.order_values) entry
    where (stored.tenant_id, stored.field, stored.value, stored.note_id) = (old_row.tenant_id, entry.key, entry.value,
      old_row.id);
    return null;
  end $$;

  create trigger insert_note_order_values after insert on note for each row
    when (new.delete_time is null and new.order_values <> '{}') execute function insert_note_order_values();

  create trigger update_note_order_values after update on note for each row
    when (old.order_values <> new.order_values
      or new.order_values <> '{}' and (old.delete_time is null) <> (new.delete_time is null))
    execute function update_note_order_values();

  create trigger delete_note_order_values after delete on note
    referencing old table as old_row for each statement execute function delete_note_order_values();

  create trigger end_associations after delete on note
    referencing old table as old_row for each statement execute function end_associations();
`;
