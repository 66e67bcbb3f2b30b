import { Migration } from '@mikro-orm/migrations';

/** The receipts of tenants that are closed: all that is left of one (docs/workspace.md). */
export class CreateClosedTenant extends Migration {
  override name = 'create-closed-tenant';

  override up(): void {
    this.addSql(`
      -- Of all tenants: who removes the rows of closed ones looks here for the next. There is nothing in it but ids, times and numbers.
      create table closed_tenant (
        id uuid not null primary key,
        request_time timestamptz(3) not null,
        -- SHA-256 of the principal that closed it: it is compared with a name that is known, and tells none.
        requester_hash bytea not null,
        -- When a pass last found rows, or did not come to its end.
        found_time timestamptz(3) not null,
        customers_rows bigint not null default 0,
        sync_rows bigint not null default 0,
        auth_rows bigint not null default 0,
        complete_time timestamptz(3)
      );
      create index closed_tenant_open on closed_tenant (request_time) where complete_time is null;
    `);
  }
}
