import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The calls: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateCall extends Migration {
  override name = 'create-call';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'call',
        type: 'call',
        key: 'id',
        version: '$.version',
        content: [
          'subject',
          'direction',
          'number',
          'start_time',
          'duration_seconds',
          'outcome',
          'summary',
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
  create table call (
    tenant_id uuid not null,
    id uuid not null,
    subject text not null,
    sort_subject text collate "C" not null,
    direction text check (direction in ('INBOUND', 'OUTBOUND')),
    number text,
    start_time timestamptz(3),
    duration_seconds int,
    outcome text check (outcome in ('CONNECTED', 'LEFT_MESSAGE', 'NO_ANSWER', 'BUSY', 'WRONG_NUMBER')),
    summary text,
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
    constraint call_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id)
  );

  alter table call
    alter column subject set statistics 0,
    alter column number set statistics 0,
    alter column summary set statistics 0,
    alter column related set statistics 0,
    alter column external_ids set statistics 0,
    alter column custom_fields set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0,
    alter column order_values set statistics 0;

  create index call_live_by_subject on call (tenant_id, sort_subject, id) where delete_time is null;

  create index call_deleted_by_subject on call (tenant_id, sort_subject, id) where delete_time is not null;

  create index call_live_by_start_time on call (tenant_id, start_time, id) where delete_time is null;

  create index call_live_by_duration_seconds on call (tenant_id, duration_seconds, id) where delete_time is null;

  create index call_live_by_create_time on call (tenant_id, create_time, id) include (owner_id, owner_team_id)
    where delete_time is null;

  create index call_deleted_by_create_time on call (tenant_id, create_time, id) where delete_time is not null;

  create index call_live_by_update_time on call (tenant_id, update_time, id) where delete_time is null;

  create index call_deleted_by_update_time on call (tenant_id, update_time, id) where delete_time is not null;

  create index call_deleted_by_delete_time on call (tenant_id, delete_time, id) where delete_time is not null;

  create index call_by_customer on call (tenant_id, customer_id) where customer_id is not null;

  create index call_terms on call using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index call_deleted_terms on call using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is not null;

  create index call_search on call using gin (tenant_id, search_text gin_trgm_ops) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index call_by_index_version on call (index_version);

  alter table call enable row level security;
  alter table call force row level security;
  create policy tenant_isolation on call
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy record_scope on call as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]))
    with check ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]));

  create policy sealed_only on call as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create table call_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    call_id uuid not null,
    primary key (tenant_id, type, value),
    constraint call_key_call foreign key (tenant_id, call_id) references call (tenant_id, id)
      deferrable initially immediate
  );

  create index call_key_by_call on call_key (tenant_id, call_id);

  alter table call_key enable row level security;
  alter table call_key force row level security;
  create policy tenant_isolation on call_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table call_order_value (
    tenant_id uuid not null,
    field text not null,
    value text collate "C" not null,
    call_id uuid not null,
    primary key (tenant_id, field, value, call_id)
  );

  alter table call_order_value enable row level security;
  alter table call_order_value force row level security;
  create policy tenant_isolation on call_order_value
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create function insert_call_order_values() returns trigger language plpgsql as $$
  begin
    insert into call_order_value (tenant_id, field, value, call_id)
      select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    return null;
  end $$;

  create function update_call_order_values() returns trigger language plpgsql as $$
  begin
    if old.delete_time is null then
      delete from call_order_value stored using jsonb_each_text(old.order_values) entry
      where (stored.tenant_id, stored.field, stored.value, stored.call_id) = (old.tenant_id, entry.key, entry.value,
        old.id);
    end if;
    if new.delete_time is null then
      insert into call_order_value (tenant_id, field, value, call_id)
        select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    end if;
    return null;
  end $$;

  create function delete_call_order_values() returns trigger language plpgsql as $$
  begin
    delete from call_order_value stored using old_row, jsonb_each_text(old_row.order_values) entry
    where (stored.tenant_id, stored.field, stored.value, stored.call_id) = (old_row.tenant_id, entry.key, entry.value,
      old_row.id);
    return null;
  end $$;

  create trigger insert_call_order_values after insert on call for each row
    when (new.delete_time is null and new.order_values <> '{}') execute function insert_call_order_values();

  create trigger update_call_order_values after update on call for each row
    when (old.order_values <> new.order_values
      or new.order_values <> '{}' and (old.delete_time is null) <> (new.delete_time is null))
    execute function update_call_order_values();

  create trigger delete_call_order_values after delete on call
    referencing old table as old_row for each statement execute function delete_call_order_values();

  create trigger end_associations after delete on call
    referencing old table as old_row for each statement execute function end_associations();
`;
