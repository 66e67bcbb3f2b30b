import { Migration } from '@mikro-orm/migrations';

/** Operations, the queue of their workers, and what imports keep between their chunks and for their undoing. */
export class CreateOperation extends Migration {
  override name = 'create-operation';

  override up(): void {
    this.addSql(operationTables);
    this.addSql(importTables);
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
  'operation',
  'operation_issue',
  'import_piece',
  'import_met',
  'import_change',
  'import_draft',
  'import_draft_key',
  'import_mapping',
];

const operationTables = `
  create table operation (
    tenant_id uuid not null,
    id uuid not null,
    state text not null check (state in ('WAITING', 'RUNNING', 'PAUSED', 'SUCCEEDED', 'FAILED', 'CANCELLED',
      'UNDOING', 'UNDONE')),
    input jsonb not null,
    rules jsonb not null,
    received_bytes int not null,
    processed_bytes int not null,
    counts jsonb not null,
    columns jsonb not null,
    error jsonb,
    create_time timestamptz(3) not null,
    start_time timestamptz(3),
    end_time timestamptz(3),
    created_by text not null,
    undone_by text,
    primary key (tenant_id, id)
  );

  create table operation_issue (
    tenant_id uuid not null,
    operation_id uuid not null,
    number int not null,
    severity text not null check (severity in ('NOTICE', 'WARNING', 'ERROR')),
    line int not null,
    reason text not null,
    field text,
    message text not null,
    customer_id uuid,
    primary key (tenant_id, operation_id, number)
  );

  -- The one table that is not bound to a tenant: workers look in it for the jobs of all.
  create table operation_job (
    operation_id uuid not null primary key,
    tenant_id uuid not null,
    due_time timestamptz(6) not null,
    claim_id uuid,
    lease_time timestamptz(6),
    attempts int not null default 0
  );
  -- What is due, and whether the same tenant has an older one.
  create index operation_job_by_due_time on operation_job (due_time, operation_id);
  create index operation_job_by_tenant on operation_job (tenant_id, due_time, operation_id);
`;

const importTables = `
  create table import_piece (
    tenant_id uuid not null,
    operation_id uuid not null,
    start int not null,
    data bytea not null,
    primary key (tenant_id, operation_id, start)
  );
  -- Compressing takes longer than it saves for what is read once and deleted.
  alter table import_piece alter column data set storage external;

  create table import_met (
    tenant_id uuid not null,
    operation_id uuid not null,
    customer_id uuid not null,
    named boolean not null,
    primary key (tenant_id, operation_id, customer_id)
  );

  create table import_change (
    tenant_id uuid not null,
    operation_id uuid not null,
    customer_id uuid not null,
    before jsonb,
    version int not null,
    primary key (tenant_id, operation_id, customer_id)
  );

  create table import_draft (
    tenant_id uuid not null,
    operation_id uuid not null,
    customer_id uuid not null,
    customer jsonb not null,
    keyless_name text collate "C",
    primary key (tenant_id, operation_id, customer_id)
  );
  -- Drafts that a row without a key may be about.
  create index import_draft_by_name on import_draft (tenant_id, operation_id, keyless_name)
    where keyless_name is not null;

  create table import_draft_key (
    tenant_id uuid not null,
    operation_id uuid not null,
    type text not null check (type in ('EMAIL', 'DOMAIN', 'EXTERNAL_ID')),
    value text collate "C" not null,
    customer_id uuid not null,
    primary key (tenant_id, operation_id, type, value)
  );

  create table import_mapping (
    tenant_id uuid not null,
    key text collate "C" not null,
    rules jsonb not null,
    update_time timestamptz(3) not null,
    primary key (tenant_id, key)
  );
`;
