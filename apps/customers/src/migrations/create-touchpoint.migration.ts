import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** Touchpoints: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateTouchpoint extends Migration {
  override name = 'create-touchpoint';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'touchpoint',
        type: 'touchpoint',
        key: 'id',
        version: '$.version',
        content: ['customer_id', 'campaign_id', 'form_id', 'deal_id', 'kind', 'time', 'delete_time'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table touchpoint (
    tenant_id uuid not null,
    id uuid not null,
    customer_id uuid,
    campaign_id uuid,
    form_id uuid,
    deal_id uuid,
    kind text check (kind in ('CLICK', 'REPLY', 'FORM')),
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
    constraint touchpoint_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id),
    constraint touchpoint_campaign foreign key (tenant_id, campaign_id) references campaign (tenant_id, id),
    constraint touchpoint_deal foreign key (tenant_id, deal_id) references deal (tenant_id, id)
  );

  alter table touchpoint
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index touchpoint_live_by_time on touchpoint (tenant_id, time, id) where delete_time is null;

  create index touchpoint_live_by_create_time on touchpoint (tenant_id, create_time, id) where delete_time is null;

  create index touchpoint_deleted_by_create_time on touchpoint (tenant_id, create_time, id)
    where delete_time is not null;

  create index touchpoint_live_by_update_time on touchpoint (tenant_id, update_time, id) where delete_time is null;

  create index touchpoint_deleted_by_update_time on touchpoint (tenant_id, update_time, id)
    where delete_time is not null;

  create index touchpoint_deleted_by_delete_time on touchpoint (tenant_id, delete_time, id)
    where delete_time is not null;

  create index touchpoint_by_customer on touchpoint (tenant_id, customer_id) where customer_id is not null;

  create index touchpoint_by_campaign on touchpoint (tenant_id, campaign_id) where campaign_id is not null;

  create index touchpoint_by_deal on touchpoint (tenant_id, deal_id) where deal_id is not null;

  create index touchpoint_terms on touchpoint using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index touchpoint_by_index_version on touchpoint (index_version);

  alter table touchpoint enable row level security;
  alter table touchpoint force row level security;
  create policy tenant_isolation on touchpoint
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on touchpoint
    referencing old table as old_row for each statement execute function end_associations();

  create policy record_scope on touchpoint as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or sees_customer(customer_id));
`;
