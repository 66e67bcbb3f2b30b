import { Migration } from '@mikro-orm/migrations';

/** Webhook endpoints, events, deliveries, and the cursor of the change feed. */
export class CreateWebhooks extends Migration {
  override name = 'create-webhooks';

  override up(): void {
    this.addSql(endpointTable);
    this.addSql(eventTable);
    this.addSql(ledgerTables);
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

const tenantTables = ['webhook_endpoint', 'webhook_event', 'webhook_delivery', 'webhook_attempt'];

const endpointTable = `
  create table webhook_endpoint (
    tenant_id uuid not null,
    id uuid not null,
    url text not null,
    event_types text[] not null,
    fields text[] not null,
    payload text not null check (payload in ('THIN', 'FULL')),
    coalescing_seconds int not null,
    state text not null check (state in ('ENABLED', 'DISABLED')),
    description text,
    disable_reason text check (disable_reason in ('CALLER', 'GONE', 'FAILING')),
    disable_time timestamptz(3),
    failing_time timestamptz(3),
    hold_time timestamptz(3),
    hides_personal_data boolean not null,
    sealed_keys bytea not null,
    public_key text not null,
    previous_sealed_keys bytea,
    previous_public_key text,
    previous_expire_time timestamptz(3),
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    created_by text not null,
    primary key (tenant_id, id)
  );
`;

const eventTable = `
  -- Each change of a tenant that has endpoints, once, whoever wants it.
  create table webhook_event (
    tenant_id uuid not null,
    -- The order in which the change feed gave them.
    number bigint generated always as identity,
    id uuid not null,
    type text not null,
    record_type text,
    record_id text,
    version int,
    operation text not null,
    time timestamptz(3) not null,
    changed_fields text[] not null,
    before jsonb,
    after jsonb,
    actor text not null,
    origin text not null,
    request_id text,
    causation_id text,
    hop int not null,
    create_time timestamptz(3) not null default now(),
    primary key (tenant_id, number)
  );
  create unique index webhook_event_id on webhook_event (tenant_id, id);
  -- Replays of a time, and the erasure of a record.
  create index webhook_event_by_time on webhook_event (tenant_id, time);
  create index webhook_event_by_record on webhook_event (tenant_id, record_id) where record_id is not null;
`;

const ledgerTables = `
  create table webhook_delivery (
    tenant_id uuid not null,
    id uuid not null,
    number bigint generated always as identity,
    endpoint_id uuid not null,
    event_id uuid not null,
    event_type text not null,
    -- What is sent one after the other: the deliveries of one record.
    lane text not null,
    -- Numbers of the events that are told together.
    events bigint[] not null,
    state text not null check (state in ('PENDING', 'DELIVERED', 'FAILED')),
    attempt_count int not null default 0,
    due_time timestamptz(3) not null,
    is_replay boolean not null default false,
    create_time timestamptz(3) not null default now(),
    end_time timestamptz(3),
    primary key (tenant_id, id),
    constraint webhook_delivery_endpoint foreign key (tenant_id, endpoint_id)
      references webhook_endpoint (tenant_id, id) on delete cascade
  );
  create index webhook_delivery_by_lane on webhook_delivery (tenant_id, endpoint_id, lane, number)
    where state = 'PENDING';
  create index webhook_delivery_by_endpoint on webhook_delivery (tenant_id, endpoint_id, id);

  create table webhook_attempt (
    tenant_id uuid not null,
    delivery_id uuid not null,
    number int not null,
    time timestamptz(3) not null,
    duration_ms int not null,
    status int,
    error text,
    primary key (tenant_id, delivery_id, number),
    constraint webhook_attempt_delivery foreign key (tenant_id, delivery_id)
      references webhook_delivery (tenant_id, id) on delete cascade
  );
`;

const platformTables = `
  -- These are not bound to a tenant: the workers of all look in them. They hold ids and times only.

  -- Who has endpoints, so that the changes of others cost nothing.
  create table webhook_tenant (
    tenant_id uuid not null primary key
  );

  -- The first pending delivery of each lane, with the time at which it may be taken next.
  create table webhook_job (
    delivery_id uuid not null primary key,
    tenant_id uuid not null,
    endpoint_id uuid not null,
    due_time timestamptz(3) not null,
    claim_id uuid
  );
  create index webhook_job_by_endpoint on webhook_job (endpoint_id, due_time);

  -- How far a feed was read, and what was made of it is in the same transaction.
  create table feed_cursor (
    feed text not null primary key,
    cursor text not null
  );
`;
