import { Migration } from '@mikro-orm/migrations';

/** Runs of flows, their steps, what they wait for, and signals. */
export class CreateFlowRuns extends Migration {
  override name = 'create-flow-runs';

  override up(): void {
    this.addSql(runTables);
    this.addSql(waitTables);
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

const tenantTables = ['flow_run', 'flow_step_run', 'flow_wait', 'flow_event', 'flow_signal'];

const runTables = `
  create table flow_run (
    tenant_id uuid not null,
    id uuid not null,
    flow_id uuid not null,
    version int not null,
    state text not null check (state in
      ('RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'UNCERTAIN', 'CANCELLED', 'COMPENSATING', 'COMPENSATED')),
    -- Whose rights the run has.
    principal_id text not null,
    cause_kind text not null,
    cause_change_id text,
    cause_principal_id text,
    cause_time timestamptz(3) not null,
    record_type text,
    record_id text,
    hop int not null,
    -- Flows and records whose runs led to this one, oldest first: {flowId, recordId, runId}.
    chain jsonb not null,
    -- SHA-256 of the key of concurrency; null where runs are parallel.
    concurrency_hash bytea,
    -- Whether it waits for another run with the same key to end.
    is_queued boolean not null default false,
    parent_run_id uuid,
    parent_path text,
    -- What started it: record, before, change and input. Sealed: there is personal data in it.
    sealed_start bytea not null,
    -- Variables, outputs, positions and the problem. Sealed likewise.
    sealed_state bytea not null,
    wake_time timestamptz(3),
    waiting_for text,
    step_count int not null default 0,
    start_time timestamptz(3) not null,
    max_time timestamptz(3) not null,
    end_time timestamptz(3),
    primary key (tenant_id, id)
  );
  create index flow_run_by_flow on flow_run (tenant_id, flow_id, id);
  create index flow_run_by_state on flow_run (tenant_id, state, id);
  -- Lists, the limit of runs for a record, and the erasure of a record.
  create index flow_run_by_record on flow_run (tenant_id, record_id, id) where record_id is not null;
  create index flow_run_by_concurrency on flow_run (tenant_id, flow_id, concurrency_hash, id)
    where concurrency_hash is not null and end_time is null;
  create index flow_run_by_end on flow_run (tenant_id, end_time) where end_time is not null;
  create index flow_run_by_parent on flow_run (tenant_id, parent_run_id) where parent_run_id is not null;

  create table flow_step_run (
    tenant_id uuid not null,
    run_id uuid not null,
    -- The order in which the steps of the run started, from 1.
    number int not null,
    path text not null,
    key text not null,
    kind text not null,
    attempt int not null,
    state text not null check (state in
      ('RUNNING', 'WAITING', 'SUCCEEDED', 'SKIPPED', 'FAILED', 'UNCERTAIN', 'CANCELLED', 'UNDONE')),
    effect_key text,
    -- Whether its outcome says how to undo it.
    has_undo boolean not null default false,
    -- Sealed: there is personal data in them. The result has the output, the problem, and what undo needs.
    sealed_input bytea,
    sealed_result bytea,
    start_time timestamptz(3) not null,
    end_time timestamptz(3),
    primary key (tenant_id, run_id, number),
    constraint flow_step_run_run foreign key (tenant_id, run_id) references flow_run (tenant_id, id) on delete cascade
  );
`;

const waitTables = `
  -- Events that steps \`listen\` of a run wait for, or will wait for.
  create table flow_wait (
    tenant_id uuid not null,
    run_id uuid not null,
    step_key text not null,
    event_key text not null,
    kind text not null check (kind in ('CHANGE', 'SIGNAL')),
    record_type text,
    -- Null for all records of the type.
    record_id text,
    -- Condition in CEL; null for all changes.
    match text,
    signal text,
    -- SHA-256 of the correlation, which may be personal data.
    correlation_hash bytea,
    -- Events of this time and later ones count.
    since_time timestamptz(3) not null,
    primary key (tenant_id, run_id, step_key, event_key),
    constraint flow_wait_run foreign key (tenant_id, run_id) references flow_run (tenant_id, id) on delete cascade
  );
  create index flow_wait_by_record on flow_wait (tenant_id, record_type, record_id) where kind = 'CHANGE';
  create index flow_wait_by_signal on flow_wait (tenant_id, signal, correlation_hash) where kind = 'SIGNAL';

  -- What has happened and no step has taken yet.
  create table flow_event (
    tenant_id uuid not null,
    run_id uuid not null,
    number bigint generated always as identity,
    -- The step that it is for: its key for events of \`listen\`, its path otherwise.
    target text not null,
    event_key text not null,
    -- Of the change or signal, or of the answer: an event counts once.
    event_id text not null,
    event_time timestamptz(3) not null,
    sealed_data bytea not null,
    primary key (tenant_id, run_id, number),
    unique (tenant_id, run_id, target, event_key, event_id),
    constraint flow_event_run foreign key (tenant_id, run_id) references flow_run (tenant_id, id) on delete cascade
  );

  create table flow_signal (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    correlation_hash bytea not null,
    -- Correlation and data.
    sealed_data bytea not null,
    receivers int not null,
    sent_by text not null,
    create_time timestamptz(3) not null,
    primary key (tenant_id, id)
  );
  create index flow_signal_by_name on flow_signal (tenant_id, name, correlation_hash, create_time);
  create index flow_signal_by_time on flow_signal (tenant_id, create_time);
`;

const platformTables = `
  -- These are not bound to a tenant: the workers of all look in them. They hold ids and times only.

  -- Tenants with runs or signals, for upkeep.
  create table flow_run_tenant (
    tenant_id uuid not null primary key
  );

  -- Each run that has not ended, with the time at which it may be advanced next. A claimed one is due again when its
  -- lease ends.
  create table flow_job (
    run_id uuid not null primary key,
    tenant_id uuid not null,
    flow_id uuid not null,
    due_time timestamptz(3) not null,
    claim_id uuid,
    -- Runs of a frozen flow are not claimed.
    is_frozen boolean not null default false
  );
  create index flow_job_by_due on flow_job (tenant_id, due_time) where not is_frozen;
  create index flow_job_by_flow on flow_job (tenant_id, flow_id);
`;
