import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** Events of messages: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateMessageEvent extends Migration {
  override name = 'create-message-event';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'message_event',
        type: 'message_event',
        key: 'id',
        version: '$.version',
        content: [
          'campaign_id',
          'recipient_id',
          'customer_id',
          'kind',
          'verdict',
          'status_code',
          'link',
          'time',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table message_event (
    tenant_id uuid not null,
    id uuid not null,
    campaign_id uuid,
    recipient_id uuid,
    customer_id uuid,
    kind text check (kind in ('BOUNCED', 'COMPLAINED', 'OPENED', 'CLICKED', 'UNSUBSCRIBED', 'REPLIED')),
    verdict text check (verdict in ('HUMAN', 'MACHINE', 'UNSURE')),
    status_code text,
    link text,
    time timestamptz(3),
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id),
    constraint message_event_campaign foreign key (tenant_id, campaign_id) references campaign (tenant_id, id),
    constraint message_event_recipient foreign key (tenant_id, recipient_id) references campaign_recipient (tenant_id,
      id),
    constraint message_event_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id)
  );

  alter table message_event
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index message_event_live_by_time on message_event (tenant_id, time, id) where delete_time is null;

  create index message_event_live_by_create_time on message_event (tenant_id, create_time, id)
    where delete_time is null;

  create index message_event_deleted_by_create_time on message_event (tenant_id, create_time, id)
    where delete_time is not null;

  create index message_event_live_by_update_time on message_event (tenant_id, update_time, id)
    where delete_time is null;

  create index message_event_deleted_by_update_time on message_event (tenant_id, update_time, id)
    where delete_time is not null;

  create index message_event_deleted_by_delete_time on message_event (tenant_id, delete_time, id)
    where delete_time is not null;

  create index message_event_by_campaign on message_event (tenant_id, campaign_id) where campaign_id is not null;

  create index message_event_by_recipient on message_event (tenant_id, recipient_id) where recipient_id is not null;

  create index message_event_by_customer on message_event (tenant_id, customer_id) where customer_id is not null;

  create index message_event_terms on message_event using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index message_event_by_index_version on message_event (index_version);

  alter table message_event enable row level security;
  alter table message_event force row level security;
  create policy tenant_isolation on message_event
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on message_event
    referencing old table as old_row for each statement execute function end_associations();

  create policy record_scope on message_event as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or sees_customer(customer_id));
`;
