import { Migration } from '@mikro-orm/migrations';

/** Custom fields, and what customers are found and ordered by. */
export class AddCustomFieldsAndTerms extends Migration {
  override name = 'add-custom-fields-and-terms';

  override up(): void {
    this.addSql(`
      alter table customer
        add column birth_date text,
        add column custom_fields jsonb not null default '{}',
        add column lifecycle_stage_time timestamptz(3),
        add column merged_into_id uuid,
        add column terms text[] not null default '{}',
        add column order_values jsonb not null default '{}',
        add column family_sort_name text collate "C",
        add column company_sort_name text collate "C",
        add column index_version int not null default 0,
        add constraint customer_merged_into foreign key (tenant_id, merged_into_id) references customer (tenant_id, id);

      -- Filters. @> and && use it beneath row-level security only where provisioning has made them LEAKPROOF.
      create index customer_terms on customer using gin (tenant_id, terms) where delete_time is null;
      create index customer_live_by_family_name on customer (tenant_id, family_sort_name, id) where delete_time is null;
      create index customer_live_by_company_name on customer (tenant_id, company_sort_name, id) where delete_time is null;
      create index customer_by_merged_into on customer (tenant_id, merged_into_id) where merged_into_id is not null;
      -- Rows whose derived columns another release has made.
      create index customer_by_index_version on customer (index_version);

      -- The start of an e-mail address, a domain or an external id is a range in byte order. Checks of a claim that is
      -- taken before its customer is there wait for the end of the transaction.
      alter table customer_key
        alter column value type text collate "C",
        alter constraint customer_key_customer deferrable initially immediate;
      create index customer_key_by_customer on customer_key (tenant_id, customer_id);

      create table custom_field (
        tenant_id uuid not null,
        key text not null,
        type text not null check (type in ('TEXT', 'NUMBER', 'DECIMAL', 'MONEY', 'DATE', 'TIME', 'BOOLEAN', 'SELECT',
          'MULTI_SELECT', 'URL', 'REFERENCE')),
        kind text check (kind in ('PERSON', 'COMPANY')),
        display_name text,
        description text,
        options jsonb not null,
        searchable boolean not null,
        version int not null,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        delete_time timestamptz(3),
        primary key (tenant_id, key)
      );

      -- Custom fields of live customers in byte order: one row for each value that has an order.
      create table customer_order_value (
        tenant_id uuid not null,
        field text not null,
        value text collate "C" not null,
        customer_id uuid not null,
        primary key (tenant_id, field, value, customer_id)
      );

      -- Kept by triggers, so that it holds whoever writes, COPY included.
      create function insert_customer_order_values() returns trigger language plpgsql as $$
      begin
        insert into customer_order_value (tenant_id, field, value, customer_id)
        select tenant_id, entry.key, entry.value, id
        from new_row, jsonb_each_text(order_values) entry
        where delete_time is null and order_values <> '{}';
        return null;
      end $$;
      create function update_customer_order_values() returns trigger language plpgsql as $$
      begin
        delete from customer_order_value stored
        using old_row join new_row using (tenant_id, id), jsonb_each_text(old_row.order_values) entry
        where old_row.delete_time is null and old_row.order_values <> '{}'
          and (new_row.delete_time is not null or new_row.order_values <> old_row.order_values)
          and (stored.tenant_id, stored.field, stored.value, stored.customer_id)
            = (old_row.tenant_id, entry.key, entry.value, old_row.id);
        insert into customer_order_value (tenant_id, field, value, customer_id)
        select new_row.tenant_id, entry.key, entry.value, new_row.id
        from new_row join old_row using (tenant_id, id), jsonb_each_text(new_row.order_values) entry
        where new_row.delete_time is null and new_row.order_values <> '{}'
          and (old_row.delete_time is not null or new_row.order_values <> old_row.order_values);
        return null;
      end $$;
      create function delete_customer_order_values() returns trigger language plpgsql as $$
      begin
        delete from customer_order_value stored
        using old_row, jsonb_each_text(old_row.order_values) entry
        where (stored.tenant_id, stored.field, stored.value, stored.customer_id)
          = (old_row.tenant_id, entry.key, entry.value, old_row.id);
        return null;
      end $$;
      create trigger insert_customer_order_values after insert on customer
        referencing new table as new_row for each statement execute function insert_customer_order_values();
      create trigger update_customer_order_values after update on customer
        referencing old table as old_row new table as new_row
        for each statement execute function update_customer_order_values();
      create trigger delete_customer_order_values after delete on customer
        referencing old table as old_row for each statement execute function delete_customer_order_values();

      alter table custom_field enable row level security;
      alter table custom_field force row level security;
      create policy tenant_isolation on custom_field
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      alter table customer_order_value enable row level security;
      alter table customer_order_value force row level security;
      create policy tenant_isolation on customer_order_value
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}
