import { Migration } from '@mikro-orm/migrations';

/** The table of `writeOnce`. A service that writes lists it among its migrations. */
export class CreateIdempotencyKey extends Migration {
  override name = 'create-idempotency-key';

  override up(): void {
    this.addSql(`
      create table idempotency_key (
        tenant_id uuid not null,
        principal_id text not null,
        key text not null,
        request_hash bytea not null,
        response bytea not null,
        create_time timestamptz(3) not null,
        primary key (tenant_id, principal_id, key)
      );
      create index idempotency_key_create_time on idempotency_key (tenant_id, create_time);
      alter table idempotency_key enable row level security;
      alter table idempotency_key force row level security;
      create policy tenant_isolation on idempotency_key
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}
