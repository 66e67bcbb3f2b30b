import { Migration } from '@mikro-orm/migrations';

/** Notifications of users, without texts of records. */
export class CreateNotification extends Migration {
  override name = 'create-notification';

  override up(): void {
    this.addSql(tables);
  }
}

const tables = `
  -- One row for each recipient. Its lock gives notifications of a recipient positions in the order of their commits.
  create table notification_inbox (
    tenant_id uuid not null,
    user_id uuid not null,
    last_position int not null default 0,
    muted_kinds text[] not null default '{}',
    primary key (tenant_id, user_id)
  );

  create table notification (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    position int not null,
    kind text not null,
    cause text not null,
    time timestamptz(3) not null,
    record_type text not null,
    record_id uuid not null,
    record_version int,
    actor text,
    read_time timestamptz(3),
    primary key (tenant_id, id)
  );
  create unique index notification_of_user on notification (tenant_id, user_id, position);
  create unique index notification_once on notification (tenant_id, user_id, kind, cause);
  create index notification_unread on notification (tenant_id, user_id, position) where read_time is null;

  alter table notification_inbox enable row level security;
  alter table notification_inbox force row level security;
  create policy tenant_isolation on notification_inbox
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  alter table notification enable row level security;
  alter table notification force row level security;
  create policy tenant_isolation on notification
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
