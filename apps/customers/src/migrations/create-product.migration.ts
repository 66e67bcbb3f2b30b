import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The products: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateProduct extends Migration {
  override name = 'create-product';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'product',
        type: 'product',
        key: 'id',
        version: '$.version',
        content: [
          'sku',
          'name',
          'description',
          'unit',
          'tax_class',
          'price',
          'cost',
          'billing',
          'state',
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
  create table product (
    tenant_id uuid not null,
    id uuid not null,
    sku text not null,
    name text not null,
    sort_name text collate "C" not null,
    description text,
    unit text,
    tax_class text,
    price jsonb,
    price_order text collate "C",
    cost jsonb,
    cost_order text collate "C",
    billing jsonb,
    state text check (state in ('ACTIVE', 'RETIRED')),
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
    primary key (tenant_id, id)
  );

  alter table product
    alter column sku set statistics 0,
    alter column name set statistics 0,
    alter column description set statistics 0,
    alter column price set statistics 0,
    alter column cost set statistics 0,
    alter column billing set statistics 0,
    alter column external_ids set statistics 0,
    alter column custom_fields set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0,
    alter column order_values set statistics 0;

  create index product_live_by_name on product (tenant_id, sort_name, id) where delete_time is null;

  create index product_deleted_by_name on product (tenant_id, sort_name, id) where delete_time is not null;

  create index product_live_by_price on product (tenant_id, price_order, id) where delete_time is null;

  create index product_live_by_cost on product (tenant_id, cost_order, id) where delete_time is null;

  create index product_live_by_create_time on product (tenant_id, create_time, id) where delete_time is null;

  create index product_deleted_by_create_time on product (tenant_id, create_time, id) where delete_time is not null;

  create index product_live_by_update_time on product (tenant_id, update_time, id) where delete_time is null;

  create index product_deleted_by_update_time on product (tenant_id, update_time, id) where delete_time is not null;

  create index product_deleted_by_delete_time on product (tenant_id, delete_time, id) where delete_time is not null;

  create index product_terms on product using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index product_search on product using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index product_by_index_version on product (index_version);

  alter table product enable row level security;
  alter table product force row level security;
  create policy tenant_isolation on product
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table product_key (
    tenant_id uuid not null,
    type text not null check (type in ('SKU', 'EXTERNAL_ID')),
    value text collate "C" not null,
    product_id uuid not null,
    primary key (tenant_id, type, value),
    constraint product_key_product foreign key (tenant_id, product_id) references product (tenant_id, id)
      deferrable initially immediate
  );

  create index product_key_by_product on product_key (tenant_id, product_id);

  alter table product_key enable row level security;
  alter table product_key force row level security;
  create policy tenant_isolation on product_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table product_order_value (
    tenant_id uuid not null,
    field text not null,
    value text collate "C" not null,
    product_id uuid not null,
    primary key (tenant_id, field, value, product_id)
  );

  alter table product_order_value enable row level security;
  alter table product_order_value force row level security;
  create policy tenant_isolation on product_order_value
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create function insert_product_order_values() returns trigger language plpgsql as $$
  begin
    insert into product_order_value (tenant_id, field, value, product_id)
      select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    return null;
  end $$;

  create function update_product_order_values() returns trigger language plpgsql as $$
  begin
    if old.delete_time is null then
      delete from product_order_value stored using jsonb_each_text(old.order_values) entry
      where (stored.tenant_id, stored.field, stored.value, stored.product_id) = (old.tenant_id, entry.key, entry.value,
        old.id);
    end if;
    if new.delete_time is null then
      insert into product_order_value (tenant_id, field, value, product_id)
        select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
    end if;
    return null;
  end $$;

  create function delete_product_order_values() returns trigger language plpgsql as $$
  begin
    delete from product_order_value stored using old_row, jsonb_each_text(old_row.order_values) entry
    where (stored.tenant_id, stored.field, stored.value, stored.product_id) = (old_row.tenant_id, entry.key,
      entry.value, old_row.id);
    return null;
  end $$;

  create trigger insert_product_order_values after insert on product for each row
    when (new.delete_time is null and new.order_values <> '{}') execute function insert_product_order_values();

  create trigger update_product_order_values after update on product for each row
    when (old.order_values <> new.order_values
      or new.order_values <> '{}' and (old.delete_time is null) <> (new.delete_time is null))
    execute function update_product_order_values();

  create trigger delete_product_order_values after delete on product
    referencing old table as old_row for each statement execute function delete_product_order_values();

  create trigger end_associations after delete on product
    referencing old table as old_row for each statement execute function end_associations();
`;
