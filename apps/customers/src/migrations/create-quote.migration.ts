import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The quotes: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateQuote extends Migration {
  override name = 'create-quote';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'quote',
        type: 'quote',
        key: 'id',
        version: '$.version',
        content: [
          'title',
          'number',
          'deal_id',
          'customer_id',
          'currency',
          'valid_until',
          'conditions',
          'issuer',
          'line_items',
          'discount',
          'totals',
          'total',
          'state',
          'revision',
          'previous_id',
          'acceptance',
          'send_time',
          'answer_time',
          'reason',
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
  create table quote (
    tenant_id uuid not null,
    id uuid not null,
    title text not null,
    sort_title text collate "C" not null,
    number text,
    sort_number text collate "C",
    deal_id uuid not null,
    customer_id uuid,
    currency text not null,
    valid_until text collate "C",
    conditions text,
    issuer text,
    line_items jsonb not null,
    discount jsonb,
    totals jsonb,
    total jsonb,
    total_order text collate "C",
    state text check (state in ('DRAFT', 'IN_APPROVAL', 'APPROVED', 'SENT', 'ACCEPTED', 'DECLINED', 'EXPIRED',
      'SUPERSEDED')),
    revision int not null,
    previous_id uuid,
    acceptance jsonb,
    send_time timestamptz(3),
    answer_time timestamptz(3),
    reason text,
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
    constraint quote_deal foreign key (tenant_id, deal_id) references deal (tenant_id, id),
    constraint quote_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id)
  );

  alter table quote
    alter column title set statistics 0,
    alter column number set statistics 0,
    alter column conditions set statistics 0,
    alter column issuer set statistics 0,
    alter column line_items set statistics 0,
    alter column discount set statistics 0,
    alter column totals set statistics 0,
    alter column total set statistics 0,
    alter column acceptance set statistics 0,
    alter column reason set statistics 0,
    alter column external_ids set statistics 0,
    alter column custom_fields set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0,
    alter column order_values set statistics 0;

  create index quote_live_by_title on quote (tenant_id, sort_title, id) where delete_time is null;

  create index quote_deleted_by_title on quote (tenant_id, sort_title, id) where delete_time is not null;

  create index quote_live_by_number on quote (tenant_id, sort_number, id) where delete_time is null;

  create index quote_live_by_valid_until on quote (tenant_id, valid_until, id) where delete_time is null;

  create index quote_live_by_total on quote (tenant_id, total_order, id) where delete_time is null;

  create index quote_live_by_send_time on quote (tenant_id, send_time, id) where delete_time is null;

  create index quote_live_by_answer_time on quote (tenant_id, answer_time, id) where delete_time is null;

  create index quote_live_by_create_time on quote (tenant_id, create_time, id) include (owner_id, owner_team_id)
    where delete_time is null;

  create index quote_deleted_by_create_time on quote (tenant_id, create_time, id) where delete_time is not null;

  create index quote_live_by_update_time on quote (tenant_id, update_time, id) where delete_time is null;

  create index quote_deleted_by_update_time on quote (tenant_id, update_time, id) where delete_time is not null;

  create index quote_deleted_by_delete_time on quote (tenant_id, delete_time, id) where delete_time is not null;

  create index quote_by_deal on quote (tenant_id, deal_id);

  create index quote_by_customer on quote (tenant_id, customer_id) where customer_id is not null;

  create index quote_terms on quote using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index quote_search on quote using gin (tenant_id, search_text gin_trgm_ops) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index quote_by_index_version on quote (index_version);

  alter table quote enable row level security;
  alter table quote force row level security;
  create policy tenant_isolation on quote
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy record_scope on quote as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]))
    with check ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]));

  create policy sealed_only on quote as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create table quote_key (
    tenant_id uuid not null,
    type text not null check (type in ('NUMBER', 'EXTERNAL_ID')),
    value text collate "C" not null,
    quote_id uuid not null,
    primary key (tenant_id, type, value),
    constraint quote_key_quote foreign key (tenant_id, quote_id) references quote (tenant_id, id)
      deferrable initially immediate
  );

  create index quote_key_by_quote on quote_key (tenant_id, quote_id);

  alter table quote_key enable row level security;
  alter table quote_key force row level security;
  create policy tenant_isolation on quote_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table quote_order_value (
    tenant_id uuid not null,
    field text not null,
    value text collate "C" not null,
    quote_id uuid not null,
    primary key (tenant_id, field, value, quote_id)
  );

  alter table quote_order_value enable row level security;
  alter table quote_order_value force row level security;
  create policy tenant_isolation on quote_order_value
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create function insert_quote_order_values() returns trigger language plpgsql as $$
  begin
    insert into quote_order_value (tenant_id, field, value, quote_id)
      select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    return null;
  end $$;

  create function update_quote_order_values() returns trigger language plpgsql as $$
  begin
    if old.delete_time is null then
      delete from quote_order_value stored using jsonb_each_text(old.order_values) entry
      where (stored.tenant_id, stored.field, stored.value, stored.quote_id) = (old.tenant_id, entry.key, entry.value,
        old.id);
    end if;
    if new.delete_time is null then
      insert into quote_order_value (tenant_id, field, value, quote_id)
        select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    end if;
    return null;
  end $$;

  create function delete_quote_order_values() returns trigger language plpgsql as $$
  begin
    delete from quote_order_value stored using old_row, jsonb_each_text(old_row.order_values) entry
    where (stored.tenant_id, stored.field, stored.value, stored.quote_id) = (old_row.tenant_id, entry.key, entry.value,
      old_row.id);
    return null;
  end $$;

  create trigger insert_quote_order_values after insert on quote for each row
    when (new.delete_time is null and new.order_values <> '{}') execute function insert_quote_order_values();

  create trigger update_quote_order_values after update on quote for each row
    when (old.order_values <> new.order_values
      or new.order_values <> '{}' and (old.delete_time is null) <> (new.delete_time is null))
    execute function update_quote_order_values();

  create trigger delete_quote_order_values after delete on quote
    referencing old table as old_row for each statement execute function delete_quote_order_values();

  create trigger end_associations after delete on quote
    referencing old table as old_row for each statement execute function end_associations();
`;
