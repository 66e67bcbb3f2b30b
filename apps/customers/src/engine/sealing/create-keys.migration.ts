import { Migration } from '@mikro-orm/migrations';

/** The keys of encrypted personal data, in a database of their own (ADR 0032). */
export class CreateKeys extends Migration {
  override name = 'create-keys';

  override up(): void {
    this.addSql(`
      create table tenant_key (
        tenant_id uuid not null primary key,
        wrapped bytea not null,
        master_key_id text not null,
        create_time timestamptz(3) not null
      );

      create table subject_key (
        tenant_id uuid not null,
        id uuid not null,
        customer_id uuid not null,
        generation int not null,
        wrapped bytea,
        create_time timestamptz(3) not null,
        destroy_time timestamptz(3),
        primary key (tenant_id, id)
      );
      -- Settles the race of two that make a customer's first key.
      alter table subject_key add constraint subject_key_of_customer unique (tenant_id, customer_id, generation);
      -- What a destroyed key was goes with the next vacuum, which comes soon.
      alter table subject_key set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50);
    `);
    for (const table of ['tenant_key', 'subject_key']) {
      this.addSql(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant_isolation on ${table}
          using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
          with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      `);
    }
  }
}
