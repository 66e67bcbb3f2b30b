import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The leads: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateLead extends Migration {
  override name = 'create-lead';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'lead',
        type: 'lead',
        key: 'id',
        version: '$.version',
        content: [
          'customer_id',
          'company',
          'source',
          'campaign',
          'message',
          'status',
          'score',
          'expected_amount',
          'disqualify_reason',
          'deal_id',
          'status_time',
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
  create table lead (
    tenant_id uuid not null,
    id uuid not null,
    customer_id uuid not null,
    company text,
    sort_company text collate "C",
    source text,
    campaign text,
    message text,
    status text check (status in ('NEW', 'WORKING', 'NURTURE', 'QUALIFIED', 'UNQUALIFIED')),
    score int,
    expected_amount jsonb,
    expected_amount_order text collate "C",
    disqualify_reason text,
    deal_id uuid,
    status_time timestamptz(3),
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
    constraint lead_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id),
    constraint lead_deal foreign key (tenant_id, deal_id) references deal (tenant_id, id)
  );

  alter table lead
    alter column company set statistics 0,
    alter column message set statistics 0,
    alter column expected_amount set statistics 0,
    alter column external_ids set statistics 0,
    alter column custom_fields set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0,
    alter column order_values set statistics 0;

  create index lead_live_by_company on lead (tenant_id, sort_company, id) where delete_time is null;

  create index lead_live_by_score on lead (tenant_id, score, id) where delete_time is null;

  create index lead_live_by_expected_amount on lead (tenant_id, expected_amount_order, id) where delete_time is null;

  create index lead_live_by_status_time on lead (tenant_id, status_time, id) where delete_time is null;

  create index lead_live_by_create_time on lead (tenant_id, create_time, id) include (owner_id, owner_team_id)
    where delete_time is null;

  create index lead_deleted_by_create_time on lead (tenant_id, create_time, id) where delete_time is not null;

  create index lead_live_by_update_time on lead (tenant_id, update_time, id) where delete_time is null;

  create index lead_deleted_by_update_time on lead (tenant_id, update_time, id) where delete_time is not null;

  create index lead_deleted_by_delete_time on lead (tenant_id, delete_time, id) where delete_time is not null;

  create index lead_by_customer on lead (tenant_id, customer_id);

  create index lead_by_deal on lead (tenant_id, deal_id) where deal_id is not null;

  create index lead_terms on lead using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index lead_search on lead using gin (tenant_id, search_text gin_trgm_ops) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index lead_by_index_version on lead (index_version);

  alter table lead enable row level security;
  alter table lead force row level security;
  create policy tenant_isolation on lead
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy record_scope on lead as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]))
    with check ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]));

  create policy sealed_only on lead as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create table lead_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    lead_id uuid not null,
    primary key (tenant_id, type, value),
    constraint lead_key_lead foreign key (tenant_id, lead_id) references lead (tenant_id, id)
      deferrable initially immediate
  );

  create index lead_key_by_lead on lead_key (tenant_id, lead_id);

  alter table lead_key enable row level security;
  alter table lead_key force row level security;
  create policy tenant_isolation on lead_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table lead_order_value (
    tenant_id uuid not null,
    field text not null,
    value text collate "C" not null,
    lead_id uuid not null,
    primary key (tenant_id, field, value, lead_id)
  );

  alter table lead_order_value enable row level security;
  alter table lead_order_value force row level security;
  create policy tenant_isolation on lead_order_value
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create function insert_lead_order_values() returns trigger language plpgsql as $$
  begin
    insert into lead_order_value (tenant_id, field, value, lead_id)
      select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    return null;
  end $$;

  create function update_lead_order_values() returns trigger language plpgsql as $$
  begin
    if old.delete_time is null then
      delete from lead_order_value stored using jsonb_each_text(old.order_values) entry
      where (stored.tenant_id, stored.field, stored.value, stored.lead_id) = (old.tenant_id, entry.key, entry.value,
        old.id);
    end if;
    if new.delete_time is null then
      insert into lead_order_value (tenant_id, field, value, lead_id)
        select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    end if;
    return null;
  end $$;

  create function delete_lead_order_values() returns trigger language plpgsql as $$
  begin
    delete from lead_order_value stored using old_row, jsonb_each_text(old_row.order_values) entry
    where (stored.tenant_id, stored.field, stored.value, stored.lead_id) = (old_row.tenant_id, entry.key, entry.value,
      old_row.id);
    return null;
  end $$;

  create trigger insert_lead_order_values after insert on lead for each row
    when (new.delete_time is null and new.order_values <> '{}') execute function insert_lead_order_values();

  create trigger update_lead_order_values after update on lead for each row
    when (old.order_values <> new.order_values
      or new.order_values <> '{}' and (old.delete_time is null) <> (new.delete_time is null))
    execute function update_lead_order_values();

  create trigger delete_lead_order_values after delete on lead
    referencing old table as old_row for each statement execute function delete_lead_order_values();

  create trigger end_associations after delete on lead
    referencing old table as old_row for each statement execute function end_associations();
`;
