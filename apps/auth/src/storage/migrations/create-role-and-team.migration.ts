import { Migration } from '@mikro-orm/migrations';

export class CreateRoleAndTeam extends Migration {
  override name = 'create-role-and-team';

  override up(): void {
    this.addSql(`
      create table role (
        tenant_id uuid not null,
        id uuid not null,
        display_name text not null,
        permissions text[] not null,
        record_scope text not null check (record_scope in ('OWN', 'TEAM', 'ALL')),
        hides_pii boolean not null,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        version int not null default 1,
        primary key (tenant_id, id),
        constraint role_display_name unique (tenant_id, display_name)
      );
      alter table role enable row level security;
      alter table role force row level security;
      create policy tenant_isolation on role
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

      create table team (
        tenant_id uuid not null,
        id uuid not null,
        display_name text not null,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        version int not null default 1,
        primary key (tenant_id, id),
        constraint team_display_name unique (tenant_id, display_name)
      );
      alter table team enable row level security;
      alter table team force row level security;
      create policy tenant_isolation on team
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

      alter table user_account add column role_ids text[] not null default '{}', add column team_id uuid;
    `);
  }
}
