import { Migration } from '@mikro-orm/migrations';

/** Connections to other systems, their mappings, and the links between records. */
export class CreateConnections extends Migration {
  override name = 'create-connections';

  override up(): void {
    this.addSql(connectionTables);
    this.addSql(linkTables);
    this.addSql(runTables);
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
  ...['connection', 'mapping', 'mapping_progress', 'sync_link', 'sync_hint', 'sync_conflict', 'sync_run'],
];

const connectionTables = `
  create table connection (
    tenant_id uuid not null,
    id uuid not null,
    connector text not null,
    display_name text not null,
    settings jsonb not null,
    sealed_secrets bytea not null,
    secret_names text[] not null,
    state text not null check (state in ('ENABLED', 'DISABLED')),
    poll_seconds int not null,
    principal_id text not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    created_by text not null,
    primary key (tenant_id, id)
  );

  create table mapping (
    tenant_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    record_type text not null,
    customer_kind text not null check (customer_kind in ('PERSON', 'COMPANY')),
    fields jsonb not null,
    direction text not null check (direction in ('BOTH', 'TO_CUSTOMERS', 'TO_PEER')),
    policy text not null check (policy in ('CUSTOMER', 'PEER', 'NEWEST', 'UNION', 'MANUAL')),
    time_field text,
    delete_policy text not null check (delete_policy in ('PROPAGATE', 'KEEP')),
    max_deletes int not null,
    sealed_fingerprint_key bytea not null,
    state text not null check (state in ('ENABLED', 'PAUSED', 'STOPPED')),
    error_reason text,
    error_message text,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    primary key (tenant_id, id)
  );
  create index mapping_by_connection on mapping (tenant_id, connection_id);

  -- How far a mapping has come.
  create table mapping_progress (
    tenant_id uuid not null,
    mapping_id uuid not null,
    -- Of the last page of the other system that is done with.
    peer_cursor text,
    is_peer_read boolean not null default false,
    -- Of the next page of customers, while all are looked at.
    customers_page_token text,
    are_customers_read boolean not null default false,
    primary key (tenant_id, mapping_id),
    constraint mapping_progress_mapping foreign key (tenant_id, mapping_id)
      references mapping (tenant_id, id) on delete cascade
  );
`;

const linkTables = `
  -- A customer and a record that belong together, or one of them that is about to get the other.
  create table sync_link (
    tenant_id uuid not null,
    mapping_id uuid not null,
    id uuid not null,
    customer_id uuid,
    record_id text,
    -- Of each field, keyed hashes of what both sides had when they last agreed: no value is kept.
    base jsonb not null,
    customer_version int,
    record_version text,
    -- What is being written, sealed, so that who goes on after a kill knows what was ours.
    sealed_intent bytea,
    -- True when a delete has been found and waits for the end of the run.
    is_deleting boolean not null default false,
    -- True for a record that stays alone: its other one was deleted, and the delete does not propagate.
    is_apart boolean not null default false,
    -- What a person has chosen, until it is done.
    choice text check (choice in ('CUSTOMER', 'PEER')),
    hop int not null default 0,
    push_time timestamptz(3),
    revision int not null default 0,
    primary key (tenant_id, mapping_id, id),
    constraint sync_link_mapping foreign key (tenant_id, mapping_id)
      references mapping (tenant_id, id) on delete cascade
  );
  create unique index sync_link_customer on sync_link (tenant_id, mapping_id, customer_id) where customer_id is not null;
  create unique index sync_link_record on sync_link (tenant_id, mapping_id, record_id) where record_id is not null;
  create index sync_link_intending on sync_link (tenant_id, mapping_id) where sealed_intent is not null;
  create index sync_link_deleting on sync_link (tenant_id, mapping_id) where is_deleting;

  -- A record that may have changed: to be read again.
  create table sync_hint (
    tenant_id uuid not null,
    mapping_id uuid not null,
    side text not null check (side in ('CUSTOMER', 'PEER')),
    record_id text not null,
    -- Another one each time that it is told: who has settled an older one leaves the newer one.
    mark uuid not null default gen_random_uuid(),
    hop int not null default 0,
    primary key (tenant_id, mapping_id, side, record_id),
    constraint sync_hint_mapping foreign key (tenant_id, mapping_id)
      references mapping (tenant_id, id) on delete cascade
  );

  create table sync_conflict (
    tenant_id uuid not null,
    id uuid not null,
    mapping_id uuid not null,
    link_id uuid not null,
    kind text not null check (kind in ('FIELDS', 'DELETED', 'VALUE_TAKEN', 'REJECTED', 'LOOP')),
    -- Fields and values of both sides, of FIELDS.
    sealed_fields bytea,
    message text not null,
    other_customer_id uuid,
    create_time timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    constraint sync_conflict_link foreign key (tenant_id, mapping_id, link_id)
      references sync_link (tenant_id, mapping_id, id) on delete cascade
  );
  create unique index sync_conflict_of_link on sync_conflict (tenant_id, mapping_id, link_id);
`;

const runTables = `
  create table sync_run (
    tenant_id uuid not null,
    id uuid not null,
    mapping_id uuid not null,
    kind text not null check (kind in ('EXCHANGE', 'RECONCILE')),
    dry_run boolean not null,
    allow_mass_delete boolean not null,
    state text not null check (state in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED')),
    is_automatic boolean not null,
    counts jsonb not null default '{}',
    comparison jsonb,
    planned_changes jsonb not null default '[]',
    issues jsonb not null default '[]',
    error_reason text,
    error_message text,
    create_time timestamptz(3) not null default now(),
    start_time timestamptz(3),
    end_time timestamptz(3),
    primary key (tenant_id, id),
    constraint sync_run_mapping foreign key (tenant_id, mapping_id)
      references mapping (tenant_id, id) on delete cascade
  );
  create index sync_run_by_mapping on sync_run (tenant_id, mapping_id, id);
  -- Whatever happens before the next run of its own begins is a matter of that one.
  create unique index sync_run_next on sync_run (tenant_id, mapping_id) where state = 'QUEUED' and is_automatic;
`;

const platformTables = `
  -- These are not bound to a tenant: the workers of all look in them.

  -- Who has connections, or had some.
  create table connection_tenant (
    tenant_id uuid not null primary key
  );

  -- When an enabled mapping is due for a run of its own.
  create table mapping_schedule (
    mapping_id uuid not null primary key,
    tenant_id uuid not null,
    connection_id uuid not null,
    due_time timestamptz(3) not null,
    -- Until when the other system is to be left alone.
    hold_time timestamptz(3)
  );
  create index mapping_schedule_by_time on mapping_schedule (due_time);
  create index mapping_schedule_by_tenant on mapping_schedule (tenant_id);
`;
