import { Migration } from '@mikro-orm/migrations';

/** Runs of flows that start little by little. */
export class CreateFlowBackfills extends Migration {
  override name = 'create-flow-backfills';

  override up(): void {
    this.addSql(backfillTables);
    for (const table of ['flow_backfill', 'flow_backfill_end']) {
      this.addSql(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant_isolation on ${table}
          using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
          with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      `);
    }
    this.addSql(platformTables);
  }
}

const backfillTables = `
  create table flow_backfill (
    tenant_id uuid not null,
    id uuid not null,
    flow_id uuid not null,
    version int not null,
    cause text not null check (cause in ('CHANGES', 'SEGMENT')),
    state text not null check (state in ('RUNNING', 'SUCCEEDED', 'CANCELLED')),
    cancel_reason text,
    -- For SEGMENT: whose members, how many there were at the start, the token of their next page, and whether all were read.
    segment_id text,
    size int not null default 0,
    page_token text,
    is_read boolean not null,
    -- Runs that exist, and have not begun.
    waiting int not null default 0,
    started int not null default 0,
    succeeded int not null default 0,
    failed int not null default 0,
    cancelled int not null default 0,
    suppressed int not null default 0,
    created_by text,
    create_time timestamptz(3) not null default clock_timestamp(),
    update_time timestamptz(3) not null default clock_timestamp(),
    end_time timestamptz(3),
    primary key (tenant_id, id)
  );
  create index flow_backfill_by_flow on flow_backfill (tenant_id, flow_id, id);
  create index flow_backfill_running on flow_backfill (tenant_id, flow_id, id) where state = 'RUNNING';
  create index flow_backfill_by_end on flow_backfill (tenant_id, end_time) where end_time is not null;
  create unique index flow_backfill_of_segment on flow_backfill (tenant_id, flow_id, segment_id)
    where state = 'RUNNING' and not is_read;

  -- Ends of runs that the numbers of their backfill do not have yet: runs do not wait for each other to count themselves.
  create table flow_backfill_end (
    tenant_id uuid not null,
    backfill_id uuid not null,
    number bigint generated always as identity,
    outcome text not null,
    -- Whether the run had not begun.
    was_held boolean not null,
    primary key (tenant_id, backfill_id, number),
    constraint flow_backfill_end_backfill foreign key (tenant_id, backfill_id)
      references flow_backfill (tenant_id, id) on delete cascade
  );

  alter table flow_run add column backfill_id uuid;
`;

const platformTables = `
  -- These are not bound to a tenant: the workers of all look in them. They hold ids and times only.

  -- Each backfill that has not ended, or whose runs have not.
  create table flow_backfill_job (
    backfill_id uuid not null primary key,
    tenant_id uuid not null,
    flow_id uuid not null,
    due_time timestamptz(3) not null default clock_timestamp(),
    -- Since when it could have started a run; null when it has none to start, or its flow is paused.
    progress_time timestamptz(3)
  );
  create index flow_backfill_job_by_due on flow_backfill_job (due_time);
  create index flow_backfill_job_by_flow on flow_backfill_job (tenant_id, flow_id);

  -- Runs that a backfill holds are frozen, and have the number of their change.
  alter table flow_job add column backfill_id uuid;
  alter table flow_job add column held_number bigint;
  -- Whether the limit of the flow for runs in progress counts it: it came from a change or a backfill, and has not waited yet.
  alter table flow_job add column is_in_bulk boolean not null default false;
  create index flow_job_in_bulk on flow_job (tenant_id, flow_id) where is_in_bulk and held_number is null;
  create index flow_job_of_backfill on flow_job (backfill_id, held_number) where backfill_id is not null;
`;
