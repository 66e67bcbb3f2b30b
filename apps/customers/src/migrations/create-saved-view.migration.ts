import { Migration } from '@mikro-orm/migrations';

/** Saved views of lists. Each belongs to a user or an API key. */
export class CreateSavedView extends Migration {
  override name = 'create-saved-view';

  override up(): void {
    this.addSql(table);
  }
}

const table = `
  create table saved_view (
    tenant_id uuid not null,
    id uuid not null,
    owner_id uuid not null,
    resource text not null,
    name text not null,
    filter text,
    order_by text,
    columns jsonb not null,
    group_field text,
    layout text,
    is_shared boolean not null,
    is_personal boolean not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    primary key (tenant_id, id)
  );

  create index saved_view_of_owner on saved_view (tenant_id, owner_id, id);
  create index saved_view_shared on saved_view (tenant_id, id) where is_shared;

  alter table saved_view enable row level security;
  alter table saved_view force row level security;
  create policy tenant_isolation on saved_view
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
