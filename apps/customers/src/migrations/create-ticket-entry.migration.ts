import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The ticketEntries: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateTicketEntry extends Migration {
  override name = 'create-ticket-entry';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'ticket_entry',
        type: 'ticket_entry',
        key: 'id',
        version: '$.version',
        content: [
          'ticket_id',
          'kind',
          'by',
          'author_id',
          'customer_id',
          'subject',
          'text',
          'html',
          'message_id',
          'visibility',
          'redactions',
          'origin_ticket_id',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table ticket_entry (
    tenant_id uuid not null,
    id uuid not null,
    ticket_id uuid,
    kind text check (kind in ('CUSTOMER_MESSAGE', 'PUBLIC_REPLY', 'INTERNAL_NOTE', 'AUTO_REPLY', 'SYSTEM')),
    by text check (by in ('HUMAN', 'MACHINE')),
    author_id uuid,
    customer_id uuid,
    subject text not null,
    sort_subject text collate "C" not null,
    text text not null,
    html text,
    message_id uuid,
    visibility text check (visibility in ('PUBLIC', 'INTERNAL')),
    redactions jsonb not null,
    origin_ticket_id uuid,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    search_text text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    sealed boolean not null default false,
    primary key (tenant_id, id),
    constraint ticket_entry_ticket foreign key (tenant_id, ticket_id) references ticket (tenant_id, id),
    constraint ticket_entry_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id),
    constraint ticket_entry_origin_ticket foreign key (tenant_id, origin_ticket_id) references ticket (tenant_id, id)
  );

  alter table ticket_entry
    alter column subject set statistics 0,
    alter column text set statistics 0,
    alter column html set statistics 0,
    alter column redactions set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index ticket_entry_live_by_subject on ticket_entry (tenant_id, sort_subject, id) where delete_time is null;

  create index ticket_entry_live_by_create_time on ticket_entry (tenant_id, create_time, id) where delete_time is null;

  create index ticket_entry_deleted_by_create_time on ticket_entry (tenant_id, create_time, id)
    where delete_time is not null;

  create index ticket_entry_live_by_update_time on ticket_entry (tenant_id, update_time, id) where delete_time is null;

  create index ticket_entry_deleted_by_update_time on ticket_entry (tenant_id, update_time, id)
    where delete_time is not null;

  create index ticket_entry_deleted_by_delete_time on ticket_entry (tenant_id, delete_time, id)
    where delete_time is not null;

  create index ticket_entry_by_ticket on ticket_entry (tenant_id, ticket_id) where ticket_id is not null;

  create index ticket_entry_by_customer on ticket_entry (tenant_id, customer_id) where customer_id is not null;

  create index ticket_entry_by_origin_ticket on ticket_entry (tenant_id, origin_ticket_id)
    where origin_ticket_id is not null;

  create index ticket_entry_terms on ticket_entry using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index ticket_entry_search on ticket_entry using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index ticket_entry_by_index_version on ticket_entry (index_version);

  alter table ticket_entry enable row level security;
  alter table ticket_entry force row level security;
  create policy tenant_isolation on ticket_entry
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy sealed_only on ticket_entry as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create trigger end_associations after delete on ticket_entry
    referencing old table as old_row for each statement execute function end_associations();
`;
