import { Migration } from '@mikro-orm/migrations';

export class CreateTenantAndApiKey extends Migration {
  override name = 'create-tenant-and-api-key';

  override up(): void {
    this.addSql(`
      create table tenant (
        tenant_id uuid not null primary key,
        display_name text not null,
        create_time timestamptz(3) not null
      );
      alter table tenant enable row level security;
      alter table tenant force row level security;
      create policy tenant_isolation on tenant
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

      create table api_key (
        tenant_id uuid not null,
        id uuid not null,
        display_name text not null,
        permissions text[] not null,
        hash bytea not null,
        key_prefix text not null,
        create_time timestamptz(3) not null,
        expire_time timestamptz(3),
        revoke_time timestamptz(3),
        primary key (tenant_id, id),
        constraint api_key_hash unique (tenant_id, hash)
      );
      alter table api_key enable row level security;
      alter table api_key force row level security;
      create policy tenant_isolation on api_key
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}
