import { Migration } from '@mikro-orm/migrations';

/** The customers and their unique values. */
export class CreateCustomer extends Migration {
  override name = 'create-customer';

  override up(): void {
    this.addSql(`
      create extension if not exists pg_trgm;
      create extension if not exists btree_gin;

      create table customer (
        tenant_id uuid not null,
        id uuid not null,
        kind text not null check (kind in ('PERSON', 'COMPANY')),
        display_name text not null,
        given_name text,
        family_name text,
        job_title text,
        company_name text,
        company_id uuid,
        emails jsonb not null,
        phones jsonb not null,
        addresses jsonb not null,
        external_ids jsonb not null,
        domains text[] not null,
        tags text[] not null,
        lifecycle_stage text check (
          lifecycle_stage in ('SUBSCRIBER', 'LEAD', 'QUALIFIED', 'OPPORTUNITY', 'CUSTOMER', 'FORMER_CUSTOMER')),
        owner_id uuid,
        source text,
        search_text text not null,
        sort_name text collate "C" not null,
        version int not null,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        delete_time timestamptz(3),
        created_by text not null,
        updated_by text not null,
        primary key (tenant_id, id),
        constraint customer_company foreign key (tenant_id, company_id) references customer (tenant_id, id)
      );

      -- One per order of the list, for live and for deleted rows.
      create index customer_live_by_name on customer (tenant_id, sort_name, id) where delete_time is null;
      create index customer_live_by_create_time on customer (tenant_id, create_time, id) where delete_time is null;
      create index customer_live_by_update_time on customer (tenant_id, update_time, id) where delete_time is null;
      create index customer_deleted_by_name on customer (tenant_id, sort_name, id) where delete_time is not null;
      create index customer_deleted_by_create_time on customer (tenant_id, create_time, id)
        where delete_time is not null;
      create index customer_deleted_by_update_time on customer (tenant_id, update_time, id)
        where delete_time is not null;
      -- The people of a company.
      create index customer_by_company on customer (tenant_id, company_id) where company_id is not null;
      -- What \`q\` looks in. Row-level security runs ahead of any operator that is not LEAKPROOF, so this serves LIKE only
      -- where provisioning has marked textlike so; elsewhere \`q\` reads the rows of the tenant.
      create index customer_search on customer using gin (tenant_id, search_text gin_trgm_ops)
        where delete_time is null;

      create table customer_key (
        tenant_id uuid not null,
        type text not null check (type in ('EMAIL', 'DOMAIN', 'EXTERNAL_ID')),
        value text not null,
        customer_id uuid not null,
        primary key (tenant_id, type, value),
        constraint customer_key_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id)
      );

      alter table customer enable row level security;
      alter table customer force row level security;
      create policy tenant_isolation on customer
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      alter table customer_key enable row level security;
      alter table customer_key force row level security;
      create policy tenant_isolation on customer_key
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}
