import { Migration } from '@mikro-orm/migrations';

/** Links between customers, and the records of merges. */
export class CreateAssociationAndMerge extends Migration {
  override name = 'create-association-and-merge';

  override up(): void {
    this.addSql(`
      create table customer_association (
        tenant_id uuid not null,
        id uuid not null,
        from_customer_id uuid not null,
        type text not null,
        to_customer_id uuid not null,
        role text,
        labels text[] not null,
        version int not null,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        primary key (tenant_id, id),
        constraint customer_association_from foreign key (tenant_id, from_customer_id)
          references customer (tenant_id, id),
        constraint customer_association_to foreign key (tenant_id, to_customer_id) references customer (tenant_id, id)
      );
      -- Settles the race of two that make the same link.
      create unique index customer_association_link
        on customer_association (tenant_id, from_customer_id, type, to_customer_id);
      -- Filters, and the list of one type.
      create index customer_association_to_by_type on customer_association (tenant_id, to_customer_id, type, id);
      -- The list of a customer in both directions.
      create index customer_association_from_by_id on customer_association (tenant_id, from_customer_id, id);
      create index customer_association_to_by_id on customer_association (tenant_id, to_customer_id, id);

      create table customer_merge (
        tenant_id uuid not null,
        id uuid not null,
        customer_id uuid not null,
        merged_id uuid not null,
        undo jsonb not null,
        create_time timestamptz(3) not null,
        created_by text not null,
        undo_time timestamptz(3),
        undone_by text,
        primary key (tenant_id, id),
        constraint customer_merge_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id),
        constraint customer_merge_merged foreign key (tenant_id, merged_id) references customer (tenant_id, id)
      );
      -- A customer is merged into one other at a time.
      create unique index customer_merge_in_force on customer_merge (tenant_id, merged_id) where undo_time is null;
      create index customer_merge_by_customer on customer_merge (tenant_id, customer_id, id);
      create index customer_merge_by_merged on customer_merge (tenant_id, merged_id, id);

      alter table customer_association enable row level security;
      alter table customer_association force row level security;
      create policy tenant_isolation on customer_association
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      alter table customer_merge enable row level security;
      alter table customer_merge force row level security;
      create policy tenant_isolation on customer_merge
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}
