import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The slaTimers: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateSlaTimer extends Migration {
  override name = 'create-sla-timer';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'sla_timer',
        type: 'sla_timer',
        key: 'id',
        version: '$.version',
        content: [
          'ticket_id',
          'policy_id',
          'policy_version',
          'metric',
          'cycle',
          'state',
          'live',
          'start_time',
          'due_time',
          'within_seconds',
          'clock',
          'calendar_id',
          'consumed_seconds',
          'remaining_seconds',
          'segments',
          'warnings',
          'breach_time',
          'met_time',
          'end_time',
          'end_reason',
          'end_cause',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table sla_timer (
    tenant_id uuid not null,
    id uuid not null,
    ticket_id uuid,
    policy_id uuid,
    policy_version int not null,
    metric text check (metric in ('FIRST_RESPONSE', 'NEXT_RESPONSE', 'PERIODIC_UPDATE', 'RESOLUTION', 'AGENT_WORK')),
    cycle int not null,
    state text check (state in ('RUNNING', 'PAUSED', 'MET', 'BREACHED', 'CANCELLED')),
    live boolean not null,
    start_time timestamptz(3),
    due_time timestamptz(3),
    within_seconds int not null,
    clock text check (clock in ('BUSINESS', 'WALL')),
    calendar_id uuid,
    consumed_seconds int not null,
    remaining_seconds int not null,
    segments jsonb not null,
    warnings jsonb not null,
    breach_time timestamptz(3),
    met_time timestamptz(3),
    end_time timestamptz(3),
    end_reason text check (end_reason in ('ANSWERED', 'SOLVED', 'NO_TARGET', 'MERGED', 'DELETED')),
    end_cause text,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id),
    constraint sla_timer_ticket foreign key (tenant_id, ticket_id) references ticket (tenant_id, id),
    constraint sla_timer_policy foreign key (tenant_id, policy_id) references sla_policy (tenant_id, id)
  );

  alter table sla_timer
    alter column segments set statistics 0,
    alter column warnings set statistics 0,
    alter column end_cause set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index sla_timer_live_by_start_time on sla_timer (tenant_id, start_time, id) where delete_time is null;

  create index sla_timer_live_by_due_time on sla_timer (tenant_id, due_time, id) where delete_time is null;

  create index sla_timer_live_by_consumed_seconds on sla_timer (tenant_id, consumed_seconds, id)
    where delete_time is null;

  create index sla_timer_live_by_breach_time on sla_timer (tenant_id, breach_time, id) where delete_time is null;

  create index sla_timer_live_by_met_time on sla_timer (tenant_id, met_time, id) where delete_time is null;

  create index sla_timer_live_by_end_time on sla_timer (tenant_id, end_time, id) where delete_time is null;

  create index sla_timer_live_by_create_time on sla_timer (tenant_id, create_time, id) where delete_time is null;

  create index sla_timer_deleted_by_create_time on sla_timer (tenant_id, create_time, id) where delete_time is not null;

  create index sla_timer_live_by_update_time on sla_timer (tenant_id, update_time, id) where delete_time is null;

  create index sla_timer_deleted_by_update_time on sla_timer (tenant_id, update_time, id) where delete_time is not null;

  create index sla_timer_deleted_by_delete_time on sla_timer (tenant_id, delete_time, id) where delete_time is not null;

  create index sla_timer_by_ticket on sla_timer (tenant_id, ticket_id) where ticket_id is not null;

  create index sla_timer_by_policy on sla_timer (tenant_id, policy_id) where policy_id is not null;

  create index sla_timer_terms on sla_timer using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index sla_timer_by_index_version on sla_timer (index_version);

  alter table sla_timer enable row level security;
  alter table sla_timer force row level security;
  create policy tenant_isolation on sla_timer
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on sla_timer
    referencing old table as old_row for each statement execute function end_associations();

  -- Whether the transaction sees the ticket, as sees_customer does for a customer.
  create or replace function sees_ticket(of_ticket uuid) returns boolean language plpgsql stable cost 1 as $$
  begin
    return exists (select from ticket
      where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and id = of_ticket);
  end $$;

  create policy record_scope on sla_timer as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or sees_ticket(ticket_id));
`;
