import { Migration } from '@mikro-orm/migrations';

export class CreateOneTimeToken extends Migration {
  override name = 'create-one-time-token';

  override up(): void {
    this.addSql(`
      create table one_time_token (
        tenant_id uuid not null,
        user_id uuid not null,
        purpose text not null check (purpose in ('INVITATION', 'PASSWORD_RESET')),
        hash bytea not null,
        expire_time timestamptz(3) not null,
        primary key (tenant_id, user_id, purpose)
      );
      create index one_time_token_hash on one_time_token (tenant_id, hash);
      alter table one_time_token enable row level security;
      alter table one_time_token force row level security;
      create policy tenant_isolation on one_time_token
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}
