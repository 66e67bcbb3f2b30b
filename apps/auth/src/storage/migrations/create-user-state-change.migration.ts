import { Migration } from '@mikro-orm/migrations';

/** Users that were disabled, enabled again or deleted, which sync reports to customers. */
export class CreateUserStateChange extends Migration {
  override name = 'create-user-state-change';

  override up(): void {
    this.addSql(table);
    this.addSql(triggers);
    this.addSql(known);
  }
}

const table = `
  -- Not bound to a tenant: sync claims the changes of all. It holds ids, numbers and times only. The row of a user remains, so
  -- that its positions grow.
  create table user_state_change (
    tenant_id uuid not null,
    user_id uuid not null,
    -- Of the last change. At least the microseconds since 1970, so that it also grows after a restore.
    position bigint not null default extract(epoch from clock_timestamp()) * 1000000,
    is_inactive boolean not null,
    -- When it is to be reported. Null once that is done.
    due_time timestamptz(3) default clock_timestamp(),
    primary key (tenant_id, user_id)
  );
  create index user_state_change_by_due on user_state_change (due_time) where due_time is not null;
`;

// Triggers, so that no writer is missed, such as one of the previous release.
const triggers = `
  create function note_user_state() returns trigger language plpgsql as $$
  begin
    -- A closed tenant has no row, and its users are removed from all databases.
    if tg_op = 'DELETE' and not exists (select from tenant where tenant_id = old.tenant_id) then
      return null;
    end if;
    insert into user_state_change as known (tenant_id, user_id, is_inactive)
      values (old.tenant_id, old.id, tg_op = 'DELETE' or new.state = 'DISABLED')
      on conflict (tenant_id, user_id) do update set position = greatest(known.position + 1, excluded.position),
        is_inactive = excluded.is_inactive, due_time = excluded.due_time;
    return null;
  end $$;
  create trigger note_user_state after update of state on user_account for each row
    when ((old.state = 'DISABLED') <> (new.state = 'DISABLED')) execute function note_user_state();
  create trigger note_deleted_user after delete on user_account for each row execute function note_user_state();

  -- Reports the states of all users anew, after a restore of this database or that of customers. Only a superuser sees them.
  create function report_user_states() returns void language sql as $$
    insert into user_state_change as known (tenant_id, user_id, is_inactive)
      select tenant_id, id, state = 'DISABLED' from user_account
      on conflict (tenant_id, user_id) do update set position = greatest(known.position + 1, excluded.position),
        is_inactive = excluded.is_inactive, due_time = excluded.due_time;
    update user_state_change gone set due_time = clock_timestamp(),
        position = greatest(position + 1, extract(epoch from clock_timestamp()) * 1000000)
      where is_inactive and not exists (
        select from user_account where user_account.tenant_id = gone.tenant_id and id = gone.user_id);
  $$;
`;

// The rows of all tenants are visible only while row-level security does not bind the owner.
const known = `
  alter table tenant no force row level security;
  alter table user_account no force row level security;
  insert into user_state_change (tenant_id, user_id, is_inactive)
    select tenant_id, id, true from user_account where state = 'DISABLED'
    union
    select tenant_id, substr(records[1], 6)::uuid, true from tenant join audit_entry using (tenant_id)
      where kind = 'USER_DELETED' and records[1] like 'user/%';
  alter table user_account force row level security;
  alter table tenant force row level security;
`;
