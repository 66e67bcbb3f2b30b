import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The tickets: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateTicket extends Migration {
  override name = 'create-ticket';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'ticket',
        type: 'ticket',
        key: 'id',
        version: '$.version',
        content: [
          'number',
          'subject',
          'status',
          'category',
          'priority',
          'type',
          'customer_id',
          'company_name',
          'cc_addresses',
          'queue_id',
          'channel',
          'mailbox_id',
          'language',
          'deal_id',
          'product_id',
          'problem_id',
          'merged_into_id',
          'split_from_id',
          'follow_up_of_id',
          'follower_ids',
          'status_time',
          'first_response_time',
          'solved_time',
          'reopen_count',
          'last_customer_message_time',
          'last_reply_time',
          'satisfaction',
          'next_due_time',
          'is_breached',
          'is_spam',
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
  create table ticket (
    tenant_id uuid not null,
    id uuid not null,
    number int,
    subject text not null,
    sort_subject text collate "C" not null,
    status text not null,
    category text check (category in ('NEW', 'OPEN', 'PENDING', 'ON_HOLD', 'SOLVED', 'CLOSED')),
    priority text check (priority in ('LOW', 'NORMAL', 'HIGH', 'URGENT')),
    type text check (type in ('QUESTION', 'INCIDENT', 'PROBLEM', 'TASK')),
    customer_id uuid not null,
    company_name text,
    sort_company_name text collate "C",
    cc_addresses text[] not null,
    queue_id uuid,
    channel text check (channel in ('EMAIL', 'API', 'FORM', 'CALL')),
    mailbox_id uuid,
    language text,
    deal_id uuid,
    product_id uuid,
    problem_id uuid,
    merged_into_id uuid,
    split_from_id uuid,
    follow_up_of_id uuid,
    follower_ids text[] not null,
    status_time timestamptz(3),
    first_response_time timestamptz(3),
    solved_time timestamptz(3),
    reopen_count int not null,
    last_customer_message_time timestamptz(3),
    last_reply_time timestamptz(3),
    satisfaction int,
    next_due_time timestamptz(3),
    is_breached boolean,
    is_spam boolean,
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
    constraint ticket_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id),
    constraint ticket_deal foreign key (tenant_id, deal_id) references deal (tenant_id, id),
    constraint ticket_product foreign key (tenant_id, product_id) references product (tenant_id, id),
    constraint ticket_problem foreign key (tenant_id, problem_id) references ticket (tenant_id, id),
    constraint ticket_merged_into foreign key (tenant_id, merged_into_id) references ticket (tenant_id, id),
    constraint ticket_split_from foreign key (tenant_id, split_from_id) references ticket (tenant_id, id),
    constraint ticket_follow_up_of foreign key (tenant_id, follow_up_of_id) references ticket (tenant_id, id)
  );

  alter table ticket
    alter column subject set statistics 0,
    alter column company_name set statistics 0,
    alter column cc_addresses set statistics 0,
    alter column follower_ids set statistics 0,
    alter column external_ids set statistics 0,
    alter column custom_fields set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0,
    alter column order_values set statistics 0;

  create index ticket_live_by_number on ticket (tenant_id, number, id) where delete_time is null;

  create index ticket_deleted_by_number on ticket (tenant_id, number, id) where delete_time is not null;

  create index ticket_live_by_subject on ticket (tenant_id, sort_subject, id) where delete_time is null;

  create index ticket_deleted_by_subject on ticket (tenant_id, sort_subject, id) where delete_time is not null;

  create index ticket_live_by_company_name on ticket (tenant_id, sort_company_name, id) where delete_time is null;

  create index ticket_live_by_status_time on ticket (tenant_id, status_time, id) where delete_time is null;

  create index ticket_live_by_first_response_time on ticket (tenant_id, first_response_time, id)
    where delete_time is null;

  create index ticket_live_by_solved_time on ticket (tenant_id, solved_time, id) where delete_time is null;

  create index ticket_live_by_reopen_count on ticket (tenant_id, reopen_count, id) where delete_time is null;

  create index ticket_live_by_last_customer_message_time on ticket (tenant_id, last_customer_message_time, id)
    where delete_time is null;

  create index ticket_live_by_last_reply_time on ticket (tenant_id, last_reply_time, id) where delete_time is null;

  create index ticket_live_by_satisfaction on ticket (tenant_id, satisfaction, id) where delete_time is null;

  create index ticket_live_by_next_due_time on ticket (tenant_id, next_due_time, id) where delete_time is null;

  create index ticket_live_by_create_time on ticket (tenant_id, create_time, id) include (owner_id, owner_team_id)
    where delete_time is null;

  create index ticket_deleted_by_create_time on ticket (tenant_id, create_time, id) where delete_time is not null;

  create index ticket_live_by_update_time on ticket (tenant_id, update_time, id) where delete_time is null;

  create index ticket_deleted_by_update_time on ticket (tenant_id, update_time, id) where delete_time is not null;

  create index ticket_deleted_by_delete_time on ticket (tenant_id, delete_time, id) where delete_time is not null;

  create index ticket_by_customer on ticket (tenant_id, customer_id);

  create index ticket_by_deal on ticket (tenant_id, deal_id) where deal_id is not null;

  create index ticket_by_product on ticket (tenant_id, product_id) where product_id is not null;

  create index ticket_by_problem on ticket (tenant_id, problem_id) where problem_id is not null;

  create index ticket_by_merged_into on ticket (tenant_id, merged_into_id) where merged_into_id is not null;

  create index ticket_by_split_from on ticket (tenant_id, split_from_id) where split_from_id is not null;

  create index ticket_by_follow_up_of on ticket (tenant_id, follow_up_of_id) where follow_up_of_id is not null;

  create index ticket_terms on ticket using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index ticket_search on ticket using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index ticket_by_index_version on ticket (index_version);

  alter table ticket enable row level security;
  alter table ticket force row level security;
  create policy tenant_isolation on ticket
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy record_scope on ticket as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]))
    with check ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]));

  create policy sealed_only on ticket as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create table ticket_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    ticket_id uuid not null,
    primary key (tenant_id, type, value),
    constraint ticket_key_ticket foreign key (tenant_id, ticket_id) references ticket (tenant_id, id)
      deferrable initially immediate
  );

  create index ticket_key_by_ticket on ticket_key (tenant_id, ticket_id);

  alter table ticket_key enable row level security;
  alter table ticket_key force row level security;
  create policy tenant_isolation on ticket_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table ticket_order_value (
    tenant_id uuid not null,
    field text not null,
    value text collate "C" not null,
    ticket_id uuid not null,
    primary key (tenant_id, field, value, ticket_id)
  );

  alter table ticket_order_value enable row level security;
  alter table ticket_order_value force row level security;
  create policy tenant_isolation on ticket_order_value
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create function insert_ticket_order_values() returns trigger language plpgsql as $$
  begin
    insert into ticket_order_value (tenant_id, field, value, ticket_id)
      select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    return null;
  end $$;

  create function update_ticket_order_values() returns trigger language plpgsql as $$
  begin
    if old.delete_time is null then
      delete from ticket_order_value stored using jsonb_each_text(old.order_values) entry
      where (stored.tenant_id, stored.field, stored.value, stored.ticket_id) = (old.tenant_id, entry.key, entry.value,
        old.id);
    end if;
    if new.delete_time is null then
      insert into ticket_order_value (tenant_id, field, value, ticket_id)
        select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    end if;
    return null;
  end $$;

  create function delete_ticket_order_values() returns trigger language plpgsql as $$
  begin
    delete from ticket_order_value stored using old_row, jsonb_each_text(old_row.order_values) entry
    where (stored.tenant_id, stored.field, stored.value, stored.ticket_id) = (old_row.tenant_id, entry.key, entry.value,
      old_row.id);
    return null;
  end $$;

  create trigger insert_ticket_order_values after insert on ticket for each row
    when (new.delete_time is null and new.order_values <> '{}') execute function insert_ticket_order_values();

  create trigger update_ticket_order_values after update on ticket for each row
    when (old.order_values <> new.order_values
      or new.order_values <> '{}' and (old.delete_time is null) <> (new.delete_time is null))
    execute function update_ticket_order_values();

  create trigger delete_ticket_order_values after delete on ticket
    referencing old table as old_row for each statement execute function delete_ticket_order_values();

  create trigger end_associations after delete on ticket
    referencing old table as old_row for each statement execute function end_associations();
`;
