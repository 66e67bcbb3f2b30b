import { Migration } from '@mikro-orm/migrations';

/**
 * The audit of a service: one chain of entries for each tenant, in which each entry holds the hash of the one before
 * (ADR 0026). The service may read its tenant's entries; only functions, which run as the owner, add any.
 */
export class CreateAuditChain extends Migration {
  override name = 'create-audit-chain';

  override up(): void {
    this.addSql(tables);
    this.addSql(appending);
    this.addSql(heads);
    this.addSql(rights);
  }
}

const tables = `
  -- Where each tenant's chain ends. Who appends holds its row until the commit, so that a chain has no forks.
  create table audit_chain (
    tenant_id uuid not null primary key,
    number bigint not null,
    hash bytea not null
  );

  create table audit_entry (
    tenant_id uuid not null,
    number bigint not null,
    time timestamptz(3) not null,
    kind text not null,
    actor text not null,
    origin text not null,
    request_id text,
    causation_id text,
    -- What it is about, such as customer/<id>; what was done to each, and the version that it got: null where it has none.
    records text[] collate "C" not null,
    operations text[] not null,
    versions int[] not null,
    -- JSON of what else is said of this kind. Text, because the hash is of its bytes.
    detail text not null,
    previous_hash bytea not null,
    hash bytea not null,
    primary key (tenant_id, number)
  );
  create index audit_entry_by_time on audit_entry (tenant_id, time);
  create index audit_entry_by_actor on audit_entry (tenant_id, actor, number);
  create index audit_entry_by_kind on audit_entry (tenant_id, kind, number);
  create index audit_entry_by_record on audit_entry using gin (records) with (fastupdate = off);

  create table audit_head (
    tenant_id uuid not null,
    number bigint not null,
    hash bytea not null,
    time timestamptz(3) not null,
    key_id text not null,
    signature bytea not null,
    primary key (tenant_id, number)
  );

  do $$
  declare
    name text;
  begin
    foreach name in array array['audit_chain', 'audit_entry', 'audit_head'] loop
      execute format('alter table %I enable row level security', name);
      execute format('alter table %I force row level security', name);
      execute format('create policy tenant_isolation on %I
        using (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)
        with check (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', name);
      execute format('create policy owner_of_all on %I to current_user using (true) with check (true)', name);
    end loop;
  end $$;
`;

/**
 * SQL of one text that says where each value ends: `<bytes>:<value>,` for each, and `:,` for one that is absent.
 *
 * @param values expressions, each of which is evaluated twice
 */
function netstringsSql(values: readonly string[]): string {
  return `concat(${values.map((value) => `octet_length((${value})::text), ':', ${value}, ','`).join(', ')})`;
}

/** Of an `audit_entry` that is called entry. Twin of hashOfEntry in audit-entry.ts. */
const entryHash = `sha256(convert_to(${netstringsSql([
  `encode(entry.previous_hash, 'hex')`,
  'entry.tenant_id',
  'entry.number',
  `to_char(entry.time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  ...['kind', 'actor', 'origin', 'request_id', 'causation_id'].map((column) => `entry.${column}`),
  'audited',
  'entry.detail',
])}, 'UTF8'))`;

const appending = `
  -- Appends entries, those of a tenant one after the other, and in the order of tenants, so that no two calls wait for each
  -- other. What a chain says (number, time and both hashes) is filled in here.
  create function append_audit_entries(entries audit_entry[]) returns void
    language plpgsql security definer set search_path = public, pg_temp as $$
  declare
    chain audit_chain;
    entry audit_entry;
    audited text;
  begin
    for place in 1 .. coalesce(cardinality(entries), 0) loop
      entry := entries[place];
      if chain.tenant_id is distinct from entry.tenant_id then
        update audit_chain set number = chain.number, hash = chain.hash where tenant_id = chain.tenant_id;
        insert into audit_chain values (entry.tenant_id, 0, decode(repeat('00', 32), 'hex')) on conflict do nothing;
        select * into strict chain from audit_chain where tenant_id = entry.tenant_id for update;
      end if;
      entry.number := chain.number + 1;
      entry.time := clock_timestamp();
      entry.previous_hash := chain.hash;
      -- Most entries are about one record, and a query costs several times as much as an expression.
      if cardinality(entry.records) = 1 then
        audited := ${netstringsSql(['entry.records[1]', 'entry.operations[1]', 'entry.versions[1]'])};
      else
        select coalesce(string_agg(${netstringsSql(['record', 'operation', 'version'])}, '' order by nth), '') into audited
        from unnest(entry.records, entry.operations, entry.versions)
          with ordinality as each(record, operation, version, nth);
      end if;
      entry.hash := ${entryHash};
      entries[place] := entry;
      chain.number := entry.number;
      chain.hash := entry.hash;
    end loop;
    update audit_chain set number = chain.number, hash = chain.hash where tenant_id = chain.tenant_id;
    insert into audit_entry select * from unnest(entries);
  end $$;

  -- What the service itself says of its tenant, as the setting app.call if it says nothing else of who did it and why. It
  -- holds the chain until the commit.
  create function record_audit_event(event json) returns void
    language plpgsql security definer set search_path = public, pg_temp as $$
  declare
    call json := nullif(current_setting('app.call', true), '');
    records text[] := array(select json_array_elements_text(event -> 'records'));
  begin
    if event ->> 'kind' = 'CHANGE' then
      raise exception 'Changes are told by the change log.' using errcode = 'insufficient_privilege';
    end if;
    perform append_audit_entries(array[row(
      nullif(current_setting('app.tenant_id', true), '')::uuid, null, null, event ->> 'kind',
      coalesce(event ->> 'actor', call ->> 'actor', 'database:' || session_user), coalesce(call ->> 'origin', 'api'),
      coalesce(event ->> 'requestId', call ->> 'requestId'), call ->> 'causationId',
      records, array_fill(null::text, array[cardinality(records)]), array_fill(null::int, array[cardinality(records)]),
      event ->> 'detail', null, null)::audit_entry]);
  end $$;
`;

const heads = `
  -- The ends of chains that no signed head has yet: of the session's tenant, or without one of all.
  create function unsigned_audit_chains(most int) returns setof audit_chain
    language sql stable security definer set search_path = public, pg_temp as $$
    select c.* from audit_chain c
    where c.tenant_id = coalesce(nullif(current_setting('app.tenant_id', true), '')::uuid, c.tenant_id)
      and not exists (select from audit_head h where h.tenant_id = c.tenant_id and h.number >= c.number)
    limit most
  $$;

  -- Keeps a head, if it is that of an entry.
  create function add_audit_head(of_tenant uuid, of_number bigint, of_hash bytea, at timestamptz, key text, sign bytea)
    returns void language sql security definer set search_path = public, pg_temp as $$
    insert into audit_head
    select tenant_id, number, hash, at, key, sign from audit_entry
    where tenant_id = of_tenant and number = of_number and hash = of_hash
      and tenant_id = coalesce(nullif(current_setting('app.tenant_id', true), '')::uuid, tenant_id)
    on conflict do nothing
  $$;

  -- For the operator's command.
  create function audit_tenants() returns setof uuid
    language plpgsql stable security definer set search_path = public, pg_temp as $$
  begin
    if nullif(current_setting('app.tenant_id', true), '') is not null then
      raise exception 'This is not for a session of a tenant.' using errcode = 'insufficient_privilege';
    end if;
    return query select tenant_id from audit_chain union select tenant_id from audit_head
      union select tenant_id from audit_entry order by 1;
  end $$;
`;

/** What provisioning gives the service on every table and function is taken away again, but reading. */
const rights = `
  do $$
  declare
    name text;
    grantee text;
  begin
    foreach name in array array['audit_chain', 'audit_entry', 'audit_head'] loop
      for grantee in select distinct acl.grantee::regrole::text from pg_class c, aclexplode(c.relacl) acl
        where c.oid = name::regclass and acl.grantee not in (0, c.relowner)
      loop
        execute format('revoke all on %I from %s', name, grantee);
        execute format('grant select on %I to %s', name, grantee);
      end loop;
    end loop;
    for grantee in select distinct acl.grantee::regrole::text from pg_proc p, aclexplode(p.proacl) acl
      where p.oid = 'append_audit_entries'::regproc and acl.grantee not in (0, p.proowner)
    loop
      execute format('revoke execute on function append_audit_entries from %s', grantee);
    end loop;
    revoke execute on function append_audit_entries from public;
  end $$;
`;
