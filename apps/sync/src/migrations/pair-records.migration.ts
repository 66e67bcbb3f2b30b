import { Migration } from '@mikro-orm/migrations';

/** Data for pairing existing records and customers before the first exchange of a mapping. */
export class PairRecords extends Migration {
  override name = 'pair-records';

  override up(): void {
    this.addSql(columns);
    this.addSql(tables);
    for (const table of ['sync_match_key', 'sync_match', 'sync_candidate', 'deleted_mapping', 'kept_link']) {
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

const columns = `
  alter table mapping
    add column match_fields jsonb not null default '[]',
    add column external_id_system text;

  alter table mapping_progress add column is_paired boolean not null default false;
  -- What has been exchanged once is past its first exchange.
  update mapping_progress set is_paired = true
    where peer_cursor is not null or is_peer_read or customers_page_token is not null or are_customers_read;

  -- What a person has decided about a link, until it is done; see LinkAnswer.
  alter table sync_link add column answer jsonb;
  -- The version of a record that holds nothing but what the exchange has written to it since it created it.
  alter table sync_link add column copy_version text;

  alter table sync_conflict drop constraint sync_conflict_kind_check;
  alter table sync_conflict add constraint sync_conflict_kind_check
    check (kind in ('FIELDS', 'DELETED', 'VALUE_TAKEN', 'REJECTED', 'LOOP', 'PAIRING'));

  alter table sync_run drop constraint sync_run_kind_check;
  alter table sync_run add constraint sync_run_kind_check check (kind in ('EXCHANGE', 'RECONCILE', 'PAIR', 'RESOLVE'));
  alter table sync_run
    add column planned jsonb,
    add column pairing jsonb,
    add column resolution jsonb,
    -- What is to be resolved, and how, of RESOLVE.
    add column request jsonb;
`;

const tables = `
  -- Keyed hashes of what customers may be known by, while a run pairs. No value is kept.
  create table sync_match_key (
    tenant_id uuid not null,
    run_id uuid not null,
    key text not null,
    customer_id uuid not null,
    primary key (tenant_id, run_id, key, customer_id),
    constraint sync_match_key_run foreign key (tenant_id, run_id) references sync_run (tenant_id, id) on delete cascade
  );

  -- What a run finds out about records and customers: as they are read RECORD, CUSTOMER and EDGE, for two that are alike; in the end
  -- PAIR, QUESTION, ONLY_RECORD and ONLY_CUSTOMER.
  create table sync_match (
    tenant_id uuid not null,
    run_id uuid not null,
    id bigint generated always as identity,
    outcome text not null check (outcome in
      ('RECORD', 'CUSTOMER', 'EDGE', 'PAIR', 'QUESTION', 'ONLY_RECORD', 'ONLY_CUSTOMER')),
    record_id text,
    customer_id uuid,
    -- Of two that are alike: 3 by external id, 2 by a match field and no contradiction, 1 for the rest.
    grade smallint,
    -- Whether it is more than chance, also when one of the two belongs to another already.
    is_alike boolean,
    -- Of QUESTION: the side that is asked about.
    side text check (side in ('CUSTOMER', 'PEER')),
    score int,
    reasons text[] not null default '{}',
    primary key (tenant_id, run_id, id),
    constraint sync_match_run foreign key (tenant_id, run_id) references sync_run (tenant_id, id) on delete cascade
  );
  create unique index sync_match_two on sync_match (tenant_id, run_id, record_id, customer_id) nulls not distinct;
  create index sync_match_customer on sync_match (tenant_id, run_id, customer_id);
  create index sync_match_outcome on sync_match (tenant_id, run_id, outcome, id);

  -- Records and customers that may be the same. Nothing is created of either while a person has not decided.
  create table sync_candidate (
    tenant_id uuid not null,
    mapping_id uuid not null,
    record_id text not null,
    customer_id uuid not null,
    score int not null,
    reasons text[] not null,
    -- True once a person has said that they are not the same.
    is_refuted boolean not null default false,
    primary key (tenant_id, mapping_id, record_id, customer_id),
    constraint sync_candidate_mapping foreign key (tenant_id, mapping_id)
      references mapping (tenant_id, id) on delete cascade
  );
  create index sync_candidate_customer on sync_candidate (tenant_id, mapping_id, customer_id);

  -- A mapping that was deleted, for as long as a new one may take up its links.
  create table deleted_mapping (
    tenant_id uuid not null,
    -- Of the mapping.
    id uuid not null,
    connection_id uuid not null,
    record_type text not null,
    customer_kind text not null,
    sealed_fingerprint_key bytea not null,
    delete_time timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    constraint deleted_mapping_connection foreign key (tenant_id, connection_id)
      references connection (tenant_id, id) on delete cascade
  );
  create index deleted_mapping_by_connection on deleted_mapping (tenant_id, connection_id);

  create table kept_link (
    tenant_id uuid not null,
    mapping_id uuid not null,
    id uuid not null,
    customer_id uuid,
    record_id text,
    base jsonb not null,
    customer_version int,
    record_version text,
    sealed_intent bytea,
    is_apart boolean not null,
    copy_version text,
    primary key (tenant_id, mapping_id, id),
    constraint kept_link_mapping foreign key (tenant_id, mapping_id)
      references deleted_mapping (tenant_id, id) on delete cascade
  );
`;
