import { Migration } from '@mikro-orm/migrations';

/** The SMTP servers that messages are handed over to. */
export class CreateRelays extends Migration {
  override name = 'create-relays';

  override up(): void {
    this.addSql(`
      create table relay (
        tenant_id uuid not null,
        id uuid not null,
        name text not null,
        host text not null,
        port int not null,
        security text check (security in ('STARTTLS', 'TLS', 'NONE')) not null,
        -- Sign-in and DKIM without their secrets, which are sealed as JSON.
        sign_in jsonb,
        dkim jsonb,
        sealed_secrets bytea not null,
        max_connections int not null,
        max_per_connection int not null,
        -- 0 for no limit.
        max_per_minute int not null,
        state text check (state in ('ACTIVE', 'FAILING', 'REAUTH')) not null,
        state_reason text,
        version int not null,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        created_by text not null,
        updated_by text not null,
        primary key (tenant_id, id)
      );

      alter table relay enable row level security;
      alter table relay force row level security;
      create policy tenant_isolation on relay
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}
