import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The tasks: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateTask extends Migration {
  override name = 'create-task';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'task',
        type: 'task',
        key: 'id',
        version: '$.version',
        content: [
          'subject',
          'description',
          'status',
          'priority',
          'due_time',
          'due_date',
          'time_zone',
          'deadline',
          'reminders',
          'snooze_time',
          'reminded_time',
          'recurrence',
          'series_id',
          'occurrence',
          'next_task_id',
          'complete_time',
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
  create table task (
    tenant_id uuid not null,
    id uuid not null,
    subject text not null,
    sort_subject text collate "C" not null,
    description text,
    status text check (status in ('OPEN', 'IN_PROGRESS', 'WAITING', 'DONE', 'CANCELLED')),
    priority text check (priority in ('LOW', 'NORMAL', 'HIGH', 'URGENT')),
    due_time timestamptz(3),
    due_date text collate "C",
    time_zone text,
    deadline timestamptz(3),
    reminders jsonb not null,
    snooze_time timestamptz(3),
    reminded_time timestamptz(3),
    recurrence jsonb,
    series_id uuid,
    occurrence text,
    next_task_id uuid,
    complete_time timestamptz(3),
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
    constraint task_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id)
  );

  alter table task
    alter column subject set statistics 0,
    alter column description set statistics 0,
    alter column time_zone set statistics 0,
    alter column reminders set statistics 0,
    alter column recurrence set statistics 0,
    alter column occurrence set statistics 0,
    alter column related set statistics 0,
    alter column external_ids set statistics 0,
    alter column custom_fields set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0,
    alter column order_values set statistics 0;

  create index task_live_by_subject on task (tenant_id, sort_subject, id) where delete_time is null;

  create index task_deleted_by_subject on task (tenant_id, sort_subject, id) where delete_time is not null;

  create index task_live_by_due_time on task (tenant_id, due_time, id) where delete_time is null;

  create index task_live_by_due_date on task (tenant_id, due_date, id) where delete_time is null;

  create index task_live_by_deadline on task (tenant_id, deadline, id) where delete_time is null;

  create index task_live_by_reminded_time on task (tenant_id, reminded_time, id) where delete_time is null;

  create index task_live_by_complete_time on task (tenant_id, complete_time, id) where delete_time is null;

  create index task_live_by_create_time on task (tenant_id, create_time, id) include (owner_id, owner_team_id)
    where delete_time is null;

  create index task_deleted_by_create_time on task (tenant_id, create_time, id) where delete_time is not null;

  create index task_live_by_update_time on task (tenant_id, update_time, id) where delete_time is null;

  create index task_deleted_by_update_time on task (tenant_id, update_time, id) where delete_time is not null;

  create index task_deleted_by_delete_time on task (tenant_id, delete_time, id) where delete_time is not null;

  create index task_by_customer on task (tenant_id, customer_id) where customer_id is not null;

  create index task_terms on task using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index task_deleted_terms on task using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is not null;

  create index task_search on task using gin (tenant_id, search_text gin_trgm_ops) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create unique index task_by_occurrence on task (tenant_id, series_id, occurrence) where series_id is not null;

  create index task_by_index_version on task (index_version);

  alter table task enable row level security;
  alter table task force row level security;
  create policy tenant_isolation on task
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy record_scope on task as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]))
    with check ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]));

  create policy sealed_only on task as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create table task_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    task_id uuid not null,
    primary key (tenant_id, type, value),
    constraint task_key_task foreign key (tenant_id, task_id) references task (tenant_id, id)
      deferrable initially immediate
  );

  create index task_key_by_task on task_key (tenant_id, task_id);

  alter table task_key enable row level security;
  alter table task_key force row level security;
  create policy tenant_isolation on task_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table task_order_value (
    tenant_id uuid not null,
    field text not null,
    value text collate "C" not null,
    task_id uuid not null,
    primary key (tenant_id, field, value, task_id)
  );

  alter table task_order_value enable row level security;
  alter table task_order_value force row level security;
  create policy tenant_isolation on task_order_value
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create function insert_task_order_values() returns trigger language plpgsql as $$
  begin
    insert into task_order_value (tenant_id, field, value, task_id)
      select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    return null;
  end $$;

  create function update_task_order_values() returns trigger language plpgsql as $$
  begin
    if old.delete_time is null then
      delete from task_order_value stored using jsonb_each_text(old.order_values) entry
      where (stored.tenant_id, stored.field, stored.value, stored.task_id) = (old.tenant_id, entry.key, entry.value,
        old.id);
    end if;
    if new.delete_time is null then
      insert into task_order_value (tenant_id, field, value, task_id)
        select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    end if;
    return null;
  end $$;

  create function delete_task_order_values() returns trigger language plpgsql as $$
  begin
    delete from task_order_value stored using old_row, jsonb_each_text(old_row.order_values) entry
    where (stored.tenant_id, stored.field, stored.value, stored.task_id) = (old_row.tenant_id, entry.key, entry.value,
      old_row.id);
    return null;
  end $$;

  create trigger insert_task_order_values after insert on task for each row
    when (new.delete_time is null and new.order_values <> '{}') execute function insert_task_order_values();

  create trigger update_task_order_values after update on task for each row
    when (old.order_values <> new.order_values
      or new.order_values <> '{}' and (old.delete_time is null) <> (new.delete_time is null))
    execute function update_task_order_values();

  create trigger delete_task_order_values after delete on task
    referencing old table as old_row for each statement execute function delete_task_order_values();

  create trigger end_associations after delete on task
    referencing old table as old_row for each statement execute function end_associations();
`;
