import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The stage entries: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateStageEntry extends Migration {
  override name = 'create-stage-entry';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'stage_entry',
        type: 'stage_entry',
        key: 'id',
        version: '$.version',
        content: [
          'deal_id',
          'pipeline_id',
          'stage',
          'enter_time',
          'leave_time',
          'duration_seconds',
          'previous_stage',
          'amount',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table stage_entry (
    tenant_id uuid not null,
    id uuid not null,
    deal_id uuid,
    pipeline_id uuid,
    stage text not null,
    enter_time timestamptz(3),
    leave_time timestamptz(3),
    duration_seconds int,
    previous_stage text,
    amount jsonb,
    amount_order text collate "C",
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id),
    constraint stage_entry_deal foreign key (tenant_id, deal_id) references deal (tenant_id, id),
    constraint stage_entry_pipeline foreign key (tenant_id, pipeline_id) references pipeline (tenant_id, id)
  );

  alter table stage_entry
    alter column amount set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index stage_entry_live_by_enter_time on stage_entry (tenant_id, enter_time, id) where delete_time is null;

  create index stage_entry_live_by_leave_time on stage_entry (tenant_id, leave_time, id) where delete_time is null;

  create index stage_entry_live_by_duration_seconds on stage_entry (tenant_id, duration_seconds, id)
    where delete_time is null;

  create index stage_entry_live_by_amount on stage_entry (tenant_id, amount_order, id) where delete_time is null;

  create index stage_entry_live_by_create_time on stage_entry (tenant_id, create_time, id) where delete_time is null;

  create index stage_entry_deleted_by_create_time on stage_entry (tenant_id, create_time, id)
    where delete_time is not null;

  create index stage_entry_live_by_update_time on stage_entry (tenant_id, update_time, id) where delete_time is null;

  create index stage_entry_deleted_by_update_time on stage_entry (tenant_id, update_time, id)
    where delete_time is not null;

  create index stage_entry_by_deal on stage_entry (tenant_id, deal_id) where deal_id is not null;

  create index stage_entry_by_pipeline on stage_entry (tenant_id, pipeline_id) where pipeline_id is not null;

  create index stage_entry_terms on stage_entry using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index stage_entry_by_index_version on stage_entry (index_version);

  alter table stage_entry enable row level security;
  alter table stage_entry force row level security;
  create policy tenant_isolation on stage_entry
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  -- Whether the transaction sees the deal, as sees_customer does for a customer.
  create function sees_deal(of_deal uuid) returns boolean language plpgsql stable cost 1 as $$
  begin
    return exists (select from deal
      where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and id = of_deal);
  end $$;

  -- Written with each move of a deal, also by callers who do not see it afterwards.
  create policy record_scope on stage_entry as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or sees_deal(deal_id));
`;
