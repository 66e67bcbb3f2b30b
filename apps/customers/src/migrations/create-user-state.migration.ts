import { Migration } from '@mikro-orm/migrations';

/** Users that are or were disabled or deleted, as auth knows them. Assignment rules skip them. */
export class CreateUserState extends Migration {
  override name = 'create-user-state';

  override up(): void {
    this.addSql(table);
  }
}

const table = `
  create table user_state (
    tenant_id uuid not null,
    user_id uuid not null,
    -- Of the change in auth. The row of a user that is enabled again remains, so that no older state follows.
    position bigint not null,
    is_inactive boolean not null,
    primary key (tenant_id, user_id)
  );

  alter table user_state enable row level security;
  alter table user_state force row level security;
  create policy tenant_isolation on user_state
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
