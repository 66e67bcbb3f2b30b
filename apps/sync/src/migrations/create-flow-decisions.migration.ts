import { Migration } from '@mikro-orm/migrations';

/** Decisions of flows about changes, the next times of schedules, and approvals. */
export class CreateFlowDecisions extends Migration {
  override name = 'create-flow-decisions';

  override up(): void {
    this.addSql(decisionTables);
    this.addSql(approvalTables);
    this.addSql(platformTables);
    for (const table of tenantTables) {
      this.addSql(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant_isolation on ${table}
          using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
          with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      `);
    }
  }
}

const tenantTables = [
  ...['flow_change', 'flow_change_number', 'flow_decision', 'flow_decided'],
  ...['flow_approval', 'flow_approver'],
];

const decisionTables = `
  -- The number of the newest change of a tenant.
  create table flow_change_number (
    tenant_id uuid not null primary key,
    last_number bigint not null
  );

  -- Each change that was taken while the tenant had active flows, once, without its values.
  create table flow_change (
    tenant_id uuid not null,
    change_id uuid not null,
    -- The order in which the change feed gave them, without gaps.
    number bigint not null,
    type text not null,
    record_id text not null,
    operation text not null,
    -- Names of the changed fields, and of the changed values of custom fields.
    changed_fields text[] not null,
    time timestamptz(3) not null,
    actor text not null,
    causation_id text,
    hop int not null,
    take_time timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, change_id),
    unique (tenant_id, number)
  );
  create index flow_change_by_time on flow_change (tenant_id, take_time);

  create table flow_decision (
    tenant_id uuid not null,
    id uuid not null,
    flow_id uuid not null,
    version int not null,
    number bigint not null,
    change_id uuid not null,
    record_type text not null,
    record_id text not null,
    outcome text not null check (outcome in ('STARTED', 'SUPPRESSED')),
    reason text,
    explanation text,
    run_id uuid,
    decide_time timestamptz(3) not null,
    primary key (tenant_id, id),
    unique (tenant_id, flow_id, version, number)
  );
  create index flow_decision_by_flow on flow_decision (tenant_id, flow_id, id);
  create index flow_decision_by_change on flow_decision (tenant_id, change_id);
  create index flow_decision_by_time on flow_decision (tenant_id, decide_time);

  -- Contiguous ranges of changes about which a version has decided.
  create table flow_decided (
    tenant_id uuid not null,
    flow_id uuid not null,
    version int not null,
    from_number bigint not null,
    to_number bigint not null,
    started int not null,
    suppressed int not null,
    not_matched int not null,
    primary key (tenant_id, flow_id, version, from_number),
    constraint flow_decided_counts check (to_number - from_number + 1 = started + suppressed + not_matched)
  );
`;

const approvalTables = `
  create table flow_approval (
    tenant_id uuid not null,
    id uuid not null,
    run_id uuid not null,
    -- Of the step in the run.
    path text not null,
    flow_id uuid not null,
    flow_name text not null,
    -- Sealed: there is personal data in it.
    sealed_question bytea not null,
    record_type text,
    record_id text,
    quorum int not null,
    state text not null check (state in ('PENDING', 'APPROVED', 'REJECTED', 'TIMED_OUT', 'CANCELLED')),
    due_time timestamptz(3) not null,
    create_time timestamptz(3) not null,
    end_time timestamptz(3),
    primary key (tenant_id, id),
    unique (tenant_id, run_id, path),
    constraint flow_approval_run foreign key (tenant_id, run_id) references flow_run (tenant_id, id) on delete cascade
  );
  create index flow_approval_by_state on flow_approval (tenant_id, state, id);

  -- The users who can decide, with their decisions.
  create table flow_approver (
    tenant_id uuid not null,
    approval_id uuid not null,
    user_id uuid not null,
    place int not null,
    is_approved boolean,
    sealed_comment bytea,
    decide_time timestamptz(3),
    primary key (tenant_id, approval_id, user_id),
    constraint flow_approver_approval foreign key (tenant_id, approval_id)
      references flow_approval (tenant_id, id) on delete cascade
  );
  create index flow_approver_by_user on flow_approver (tenant_id, user_id, approval_id);
`;

const platformTables = `
  -- These are not bound to a tenant: the workers of all look in them. They hold ids and times only.

  -- When a flow with the trigger schedule or timeField looks for what is due next.
  create table flow_clock (
    flow_id uuid not null primary key,
    tenant_id uuid not null,
    version int not null,
    kind text not null check (kind in ('SCHEDULE', 'TIME_FIELD')),
    due_time timestamptz(3) not null,
    -- For SCHEDULE the last time, for TIME_FIELD the time up to which records were looked for.
    done_time timestamptz(3) not null,
    -- For TIME_FIELD: the end of a search that has further pages, and the token of the next one.
    search_time timestamptz(3),
    page_token text
  );
  create index flow_clock_by_due on flow_clock (due_time);
  create index flow_clock_by_tenant on flow_clock (tenant_id);

  -- The revision of a tenant's flows of which the clocks are.
  create table flow_clock_tenant (
    tenant_id uuid not null primary key,
    revision bigint not null
  );
`;
