import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The ticketStatuses: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateTicketStatus extends Migration {
  override name = 'create-ticket-status';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'ticket_status',
        type: 'ticket_status',
        key: 'id',
        version: '$.version',
        content: ['key', 'name', 'category', 'position', 'description', 'delete_time'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table ticket_status (
    tenant_id uuid not null,
    id uuid not null,
    key text not null,
    name text not null,
    sort_name text collate "C" not null,
    category text not null check (category in ('NEW', 'OPEN', 'PENDING', 'ON_HOLD', 'SOLVED', 'CLOSED')),
    position int,
    description text,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    search_text text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id)
  );

  alter table ticket_status
    alter column key set statistics 0,
    alter column name set statistics 0,
    alter column description set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index ticket_status_live_by_name on ticket_status (tenant_id, sort_name, id) where delete_time is null;

  create index ticket_status_deleted_by_name on ticket_status (tenant_id, sort_name, id) where delete_time is not null;

  create index ticket_status_live_by_position on ticket_status (tenant_id, position, id) where delete_time is null;

  create index ticket_status_live_by_create_time on ticket_status (tenant_id, create_time, id)
    where delete_time is null;

  create index ticket_status_deleted_by_create_time on ticket_status (tenant_id, create_time, id)
    where delete_time is not null;

  create index ticket_status_live_by_update_time on ticket_status (tenant_id, update_time, id)
    where delete_time is null;

  create index ticket_status_deleted_by_update_time on ticket_status (tenant_id, update_time, id)
    where delete_time is not null;

  create index ticket_status_deleted_by_delete_time on ticket_status (tenant_id, delete_time, id)
    where delete_time is not null;

  create index ticket_status_terms on ticket_status using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index ticket_status_search on ticket_status using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index ticket_status_by_index_version on ticket_status (index_version);

  alter table ticket_status enable row level security;
  alter table ticket_status force row level security;
  create policy tenant_isolation on ticket_status
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table ticket_status_key (
    tenant_id uuid not null,
    type text not null check (type in ('KEY')),
    value text collate "C" not null,
    ticket_status_id uuid not null,
    primary key (tenant_id, type, value),
    constraint ticket_status_key_ticket_status foreign key (tenant_id, ticket_status_id)
      references ticket_status (tenant_id, id)
      deferrable initially immediate
  );

  create index ticket_status_key_by_ticket_status on ticket_status_key (tenant_id, ticket_status_id);

  alter table ticket_status_key enable row level security;
  alter table ticket_status_key force row level security;
  create policy tenant_isolation on ticket_status_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on ticket_status
    referencing old table as old_row for each statement execute function end_associations();
`;
