import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/**
 * The recipients of campaigns: their table, its policies, and the triggers by which changes are logged. A million claims do not
 * fill the log: there, a claimed recipient is a planned one.
 */
export class CreateCampaignRecipient extends Migration {
  override name = 'create-campaign-recipient';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'campaign_recipient',
        type: 'campaign_recipient',
        key: 'id',
        version: '$.version',
        content: [
          'campaign_id',
          'customer_id',
          'variant_key',
          'planned_time',
          'state',
          'reason',
          'internet_message_id',
          'relay_reply',
          'attempts',
          'hand_over_time',
          'is_human_click',
          'delete_time',
        ],
        logged: { state: `case $.state when 'CLAIMED' then 'PLANNED' else $.state end` },
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table campaign_recipient (
    tenant_id uuid not null,
    id uuid not null,
    campaign_id uuid,
    customer_id uuid,
    variant_key text,
    planned_time timestamptz(3),
    state text check (state in ('PLANNED', 'SUPPRESSED', 'SKIPPED', 'CLAIMED', 'HANDED_OVER', 'FAILED', 'UNKNOWN',
      'BOUNCED', 'COMPLAINED', 'CANCELLED')),
    reason text,
    internet_message_id text,
    relay_reply text,
    attempts int not null,
    hand_over_time timestamptz(3),
    is_human_click boolean not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    sealed boolean not null default false,
    primary key (tenant_id, id),
    constraint campaign_recipient_campaign foreign key (tenant_id, campaign_id) references campaign (tenant_id, id),
    constraint campaign_recipient_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id)
  );

  alter table campaign_recipient
    alter column internet_message_id set statistics 0,
    alter column relay_reply set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index campaign_recipient_live_by_create_time on campaign_recipient (tenant_id, create_time, id)
    where delete_time is null;

  create index campaign_recipient_deleted_by_create_time on campaign_recipient (tenant_id, create_time, id)
    where delete_time is not null;

  create index campaign_recipient_live_by_update_time on campaign_recipient (tenant_id, update_time, id)
    where delete_time is null;

  create index campaign_recipient_deleted_by_update_time on campaign_recipient (tenant_id, update_time, id)
    where delete_time is not null;

  create index campaign_recipient_deleted_by_delete_time on campaign_recipient (tenant_id, delete_time, id)
    where delete_time is not null;

  create index campaign_recipient_by_campaign on campaign_recipient (tenant_id, campaign_id)
    where campaign_id is not null;

  create index campaign_recipient_by_customer on campaign_recipient (tenant_id, customer_id)
    where customer_id is not null;

  create index campaign_recipient_terms on campaign_recipient using gin (tenant_id, terms)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index campaign_recipient_by_index_version on campaign_recipient (index_version);

  alter table campaign_recipient enable row level security;
  alter table campaign_recipient force row level security;
  create policy tenant_isolation on campaign_recipient
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy sealed_only on campaign_recipient as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create trigger end_associations after delete on campaign_recipient
    referencing old table as old_row for each statement execute function end_associations();

  -- Callers see the recipients of the customers that they see. Anyone's work can write one.
  create policy record_scope on campaign_recipient as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or sees_customer(customer_id))
    with check (true);
`;
