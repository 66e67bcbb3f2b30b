import { Migration } from '@mikro-orm/migrations';

/** Entries of customers into journeys and sequences, which outlive their runs. */
export class EnrollCustomers extends Migration {
  override name = 'enroll-customers';

  override up(): void {
    this.addSql(enrollmentTable);
    this.addSql(`
      alter table flow_run drop constraint flow_run_state_check;
      alter table flow_run add constraint flow_run_state_check check (state in
        ('RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'UNCERTAIN', 'CANCELLED', 'COMPENSATING', 'COMPENSATED', 'EXITED'))
        not valid;
    `);
    // The run of a paused enrollment is not claimed.
    this.addSql('alter table flow_job add column is_paused boolean not null default false');
  }
}

const enrollmentTable = `
  create table flow_enrollment (
    tenant_id uuid not null,
    id uuid not null,
    flow_id uuid not null,
    version int not null,
    customer_id text not null,
    run_id uuid not null,
    state text not null check (state in ('ACTIVE', 'PAUSED', 'COMPLETED', 'EXITED')),
    exit_reason text,
    entry_time timestamptz(3) not null,
    end_time timestamptz(3),
    primary key (tenant_id, id)
  );
  -- A customer is in a flow at most once at a time.
  create unique index flow_enrollment_in_flow on flow_enrollment (tenant_id, flow_id, customer_id)
    where state in ('ACTIVE', 'PAUSED');
  -- Entries of a customer, for the rule of reentry and for what changes end.
  create index flow_enrollment_by_customer on flow_enrollment (tenant_id, customer_id, flow_id, entry_time);
  create index flow_enrollment_by_flow on flow_enrollment (tenant_id, flow_id, id);
  create unique index flow_enrollment_by_run on flow_enrollment (tenant_id, run_id);

  alter table flow_enrollment enable row level security;
  alter table flow_enrollment force row level security;
  create policy tenant_isolation on flow_enrollment
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
