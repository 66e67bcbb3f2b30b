/** The tables of the migration `create-change-log`. */
export const changeLogTables = `
  -- Changes that are not in the log yet. No role but the owner, as which the functions run, has any right on it.
  create table outbox (
    tenant_id uuid not null,
    record_id text collate "C" not null,
    sequence bigint generated always as identity,
    -- Which transaction made it: what became visible since a snapshot is found without looking at what was moved before.
    xid xid8 not null default pg_current_xact_id(),
    id uuid not null default gen_random_uuid(),
    type text not null,
    version int not null,
    operation text not null,
    time timestamptz not null,
    changed_fields text[],
    before json,
    after json,
    actor text not null,
    origin text not null,
    request_id text,
    causation_id text,
    hop int not null,
    primary key (xid, sequence)
  );
  -- It is full and empty in turns: dead rows are taken away as soon as they are a few.
  alter table outbox set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_threshold = -1);

  create table change_log (
    tenant_id uuid not null,
    position bigint not null,
    id uuid not null,
    type text not null,
    record_id text collate "C" not null,
    version int not null,
    operation text not null check (operation in ('CREATE', 'UPDATE', 'DELETE', 'UNDELETE', 'MERGE', 'GAP')),
    time timestamptz not null,
    changed_fields text[],
    before json,
    after json,
    actor text not null,
    origin text not null,
    request_id text,
    causation_id text,
    hop int not null,
    primary key (tenant_id, position),
    -- A gap in the log of all tenants says nothing of any of them.
    constraint change_log_of_all check (tenant_id <> '00000000-0000-0000-0000-000000000000'
      or (operation = 'GAP' and record_id = '' and before is null and after is null))
  ) partition by range (position);
  create index change_log_by_position on change_log (position);
  create index change_log_by_record on change_log (tenant_id, record_id, position);
  create sequence change_log_position;

  create table change_log_state (
    singleton boolean primary key default true check (singleton),
    -- Part of every cursor: those of another epoch are of another history.
    epoch text not null,
    -- System identifier and timeline of the database that the epoch began in.
    incarnation text,
    -- The newest change that is no longer kept, and when it was made: before it nothing is known.
    dropped_position bigint not null default 0,
    dropped_time timestamptz not null default now()
  );
  insert into change_log_state (epoch) values (left(gen_random_uuid()::text, 8));

  create table change_consumer (
    name text not null primary key,
    epoch text not null,
    position bigint not null,
    heard_time timestamptz not null
  );

  alter table outbox enable row level security;
  alter table outbox force row level security;
  alter table change_log enable row level security;
  alter table change_log force row level security;
  create policy tenant_isolation on change_log
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
  -- A gap of all tenants is one of each.
  create policy gap_of_all on change_log for select using (tenant_id = '00000000-0000-0000-0000-000000000000');
  -- Only the functions of the log, which run as the owner, go beyond one tenant.
  create policy owner_of_all on outbox to current_user using (true) with check (true);
  create policy owner_of_all on change_log to current_user using (true) with check (true);

  -- What provisioning gives the service on every table is taken away again: it changes and invents no history by itself.
  -- What it writes into the tables is logged as whoever the setting app.call says.
  create function revoke_all_but(relation regclass, kept text) returns void language plpgsql as $$
  declare
    grantee text;
  begin
    for grantee in
      select distinct case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
      from pg_class, aclexplode(relacl) acl where pg_class.oid = relation and acl.grantee <> relowner
    loop
      execute format('revoke all on %s from %s', relation, grantee);
      if kept <> '' then execute format('grant %s on %s to %s', kept, relation, grantee); end if;
    end loop;
  end $$;
  select revoke_all_but('outbox', ''), revoke_all_but('change_log', 'select'), revoke_all_but('change_log_state', 'select'),
    revoke_all_but('change_log_position', ''), revoke_all_but('outbox_sequence_seq', '');
`;
