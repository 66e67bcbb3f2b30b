import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The messages: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateMessage extends Migration {
  override name = 'create-message';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'message',
        type: 'message',
        key: 'id',
        version: '$.version',
        content: [
          'subject',
          'direction',
          'mailbox_id',
          'internet_message_id',
          'in_reply_to',
          'reference_ids',
          'from_address',
          'from_name',
          'to_addresses',
          'cc_addresses',
          'reply_to',
          'text',
          'html',
          'visible_text',
          'trimmed',
          'attachments',
          'authentication',
          'class',
          'threading_rule',
          'state',
          'state_reason',
          'customer_id',
          'ticket_id',
          'refused_ticket_id',
          'raw_file_id',
          'raw_sha256',
          'size_bytes',
          'receive_time',
          'send_time',
          'automatic',
          'bcc_count',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table message (
    tenant_id uuid not null,
    id uuid not null,
    subject text not null,
    sort_subject text collate "C" not null,
    direction text check (direction in ('IN', 'OUT')),
    mailbox_id uuid,
    internet_message_id text,
    in_reply_to text,
    reference_ids text[] not null,
    from_address text,
    from_name text,
    to_addresses text[] not null,
    cc_addresses text[] not null,
    reply_to text,
    text text,
    html text,
    visible_text text,
    trimmed jsonb not null,
    attachments jsonb not null,
    authentication jsonb,
    class text check (class in ('HUMAN', 'AUTO_REPLY', 'BOUNCE', 'COMPLAINT', 'LIST', 'OWN')),
    threading_rule text check (threading_rule in ('TOKEN', 'REFERENCES', 'NUMBER', 'NEW', 'MANUAL')),
    state text check (state in ('STORED', 'THREADED', 'FILED', 'QUARANTINED', 'QUEUED', 'CLAIMED', 'HANDED_OVER',
      'FAILED', 'UNKNOWN', 'BOUNCED', 'CANCELLED')),
    state_reason text,
    customer_id uuid,
    ticket_id uuid,
    refused_ticket_id uuid,
    raw_file_id uuid,
    raw_sha256 text,
    size_bytes int,
    receive_time timestamptz(3),
    send_time timestamptz(3),
    automatic text check (automatic in ('REPLIED', 'GENERATED')),
    bcc_count int,
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
    constraint message_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id)
  );

  alter table message
    alter column subject set statistics 0,
    alter column internet_message_id set statistics 0,
    alter column in_reply_to set statistics 0,
    alter column reference_ids set statistics 0,
    alter column from_address set statistics 0,
    alter column from_name set statistics 0,
    alter column to_addresses set statistics 0,
    alter column cc_addresses set statistics 0,
    alter column reply_to set statistics 0,
    alter column text set statistics 0,
    alter column html set statistics 0,
    alter column visible_text set statistics 0,
    alter column trimmed set statistics 0,
    alter column attachments set statistics 0,
    alter column authentication set statistics 0,
    alter column state_reason set statistics 0,
    alter column raw_sha256 set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index message_live_by_subject on message (tenant_id, sort_subject, id) where delete_time is null;

  create index message_deleted_by_subject on message (tenant_id, sort_subject, id) where delete_time is not null;

  create index message_live_by_size_bytes on message (tenant_id, size_bytes, id) where delete_time is null;

  create index message_live_by_receive_time on message (tenant_id, receive_time, id) where delete_time is null;

  create index message_live_by_send_time on message (tenant_id, send_time, id) where delete_time is null;

  create index message_live_by_create_time on message (tenant_id, create_time, id) where delete_time is null;

  create index message_deleted_by_create_time on message (tenant_id, create_time, id) where delete_time is not null;

  create index message_live_by_update_time on message (tenant_id, update_time, id) where delete_time is null;

  create index message_deleted_by_update_time on message (tenant_id, update_time, id) where delete_time is not null;

  create index message_deleted_by_delete_time on message (tenant_id, delete_time, id) where delete_time is not null;

  create index message_by_customer on message (tenant_id, customer_id) where customer_id is not null;

  create index message_terms on message using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index message_search on message using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index message_by_index_version on message (index_version);

  alter table message enable row level security;
  alter table message force row level security;
  create policy tenant_isolation on message
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy sealed_only on message as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create trigger end_associations after delete on message
    referencing old table as old_row for each statement execute function end_associations();
`;
