import { Migration } from '@mikro-orm/migrations';

export class CreateUserAccount extends Migration {
  override name = 'create-user-account';

  override up(): void {
    this.addSql(`
      create table user_account (
        tenant_id uuid not null,
        id uuid not null,
        email text not null,
        display_name text not null,
        password_hash text,
        state text not null check (state in ('INVITED', 'ACTIVE', 'DISABLED')),
        session_epoch int not null default 0,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        version int not null default 1,
        primary key (tenant_id, id),
        constraint user_account_email unique (tenant_id, email)
      );
      alter table user_account enable row level security;
      alter table user_account force row level security;
      create policy tenant_isolation on user_account
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

      create table workspace (
        name text not null primary key,
        tenant_id uuid not null,
        constraint workspace_tenant unique (tenant_id)
      );
    `);
  }
}
