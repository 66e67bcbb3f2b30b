import { Migration } from '@mikro-orm/migrations';

/** Webhooks that connections receive, and the tenants of connections by id. */
export class CreateHooks extends Migration {
  override name = 'create-hooks';

  override up(): void {
    this.addSql(`
      create table hook (
        tenant_id uuid not null,
        id uuid not null,
        connection_id uuid not null,
        -- The sender's: the same each time that it sends the same.
        message_id text not null,
        record_ids text[] not null,
        -- False when no enabled mapping exchanged such records.
        is_wanted boolean not null,
        body_bytes int not null,
        -- As it came; null when it was forgotten.
        sealed_body bytea,
        receive_time timestamptz(3) not null,
        primary key (tenant_id, id),
        constraint hook_connection foreign key (tenant_id, connection_id)
          references connection (tenant_id, id) on delete cascade
      );
      create unique index hook_message on hook (tenant_id, connection_id, message_id);
      create index hook_by_connection on hook (tenant_id, connection_id, id);
      alter table hook enable row level security;
      alter table hook force row level security;
      create policy tenant_isolation on hook
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

      -- Not bound to a tenant: a webhook comes with the id of a connection, and nothing says of which tenant. It holds ids only.
      create table hook_address (
        connection_id uuid not null primary key,
        tenant_id uuid not null,
        constraint hook_address_connection foreign key (tenant_id, connection_id)
          references connection (tenant_id, id) on delete cascade
      );
    `);
  }
}
