import { Migration } from '@mikro-orm/migrations';

export class CreateAccountSecurity extends Migration {
  override name = 'create-account-security';

  override up(): void {
    this.addSql(`
      create table user_session (
        tenant_id uuid not null,
        id uuid not null,
        user_id uuid not null,
        address text,
        user_agent text,
        create_time timestamptz(3) not null,
        expire_time timestamptz(3) not null,
        primary key (tenant_id, id)
      );
      create index user_session_user on user_session (tenant_id, user_id, id);
      alter table user_session enable row level security;
      alter table user_session force row level security;
      create policy tenant_isolation on user_session
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

      create table user_totp (
        tenant_id uuid not null,
        user_id uuid not null,
        sealed_secret bytea not null,
        confirm_time timestamptz(3),
        last_step int not null default 0,
        primary key (tenant_id, user_id)
      );
      alter table user_totp enable row level security;
      alter table user_totp force row level security;
      create policy tenant_isolation on user_totp
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

      create table recovery_code (
        tenant_id uuid not null,
        user_id uuid not null,
        hash bytea not null,
        primary key (tenant_id, user_id, hash)
      );
      alter table recovery_code enable row level security;
      alter table recovery_code force row level security;
      create policy tenant_isolation on recovery_code
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

      create table attempt_window (
        key bytea not null primary key,
        attempts int not null,
        end_time timestamptz(3) not null
      );
      create index attempt_window_end_time on attempt_window (end_time);
    `);
  }
}
