import { Migration } from '@mikro-orm/migrations';

/**
 * Mappings of records of any type, and records that wait for referenced ones. The previous release supports customers only: mappings
 * without a kind of customers fail there before any write.
 */
export class ExchangeAnyRecords extends Migration {
  override name = 'exchange-any-records';

  override up(): void {
    this.addSql(`
      -- Type of the records of Rapport, as resource names have it. Columns that speak of customers hold records of this type.
      alter table mapping add column object text not null default 'customers';
      alter table mapping alter column customer_kind drop not null;
      -- What new records of Rapport get in fields that are not exchanged, by field.
      alter table mapping add column defaults jsonb not null default '{}';

      alter table deleted_mapping add column object text not null default 'customers';
      alter table deleted_mapping alter column customer_kind drop not null;

      -- A record whose reference names a record that has no pair yet.
      create table sync_waiting (
        tenant_id uuid not null,
        mapping_id uuid not null,
        -- Of what waits.
        side text not null check (side in ('CUSTOMER', 'PEER')),
        record_id text not null,
        -- Of the pair that it waits for.
        target_mapping_id uuid not null,
        target_side text not null check (target_side in ('CUSTOMER', 'PEER')),
        target_id text not null,
        primary key (tenant_id, mapping_id, side, record_id, target_mapping_id, target_side, target_id),
        constraint sync_waiting_mapping foreign key (tenant_id, mapping_id)
          references mapping (tenant_id, id) on delete cascade
      );
      create index sync_waiting_target on sync_waiting (tenant_id, target_mapping_id);
      alter table sync_waiting enable row level security;
      alter table sync_waiting force row level security;
      create policy tenant_isolation on sync_waiting
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}
