import { Migration } from '@mikro-orm/migrations';

/**
 * Has each chain say where its history was cut: before the first entry that a promoted or restored database appends to it, there is
 * one of the kind CUT. It is written then and not at the promotion, which would wait for the chains of all tenants. The hashes are
 * those of `create-audit-chain`.
 */
export class NameCutsInAudit extends Migration {
  override name = 'name-cuts-in-audit';

  override up(): void {
    this.addSql(`
      -- The epoch of the log in which the chain got its last entry. Null of chains that are older than this column.
      alter table audit_chain add column epoch text;

      create or replace function append_audit_entries(entries audit_entry[]) returns void
        language plpgsql security definer set search_path = public, pg_temp as $$
      declare
        current_epoch text := (select epoch from change_log_state);
        chain audit_chain;
        entry audit_entry;
        audited text;
        cut audit_entry;
      begin
        for place in 1 .. coalesce(cardinality(entries), 0) loop
          entry := entries[place];
          if chain.tenant_id is distinct from entry.tenant_id then
            update audit_chain set number = chain.number, hash = chain.hash, epoch = current_epoch
            where tenant_id = chain.tenant_id;
            insert into audit_chain (tenant_id, number, hash, epoch)
            values (entry.tenant_id, 0, decode(repeat('00', 32), 'hex'), current_epoch) on conflict do nothing;
            select * into strict chain from audit_chain where tenant_id = entry.tenant_id for update;
            if chain.epoch <> current_epoch then
              cut := link_cut(chain);
              insert into audit_entry select (cut).*;
              chain.number := cut.number;
              chain.hash := cut.hash;
            end if;
          end if;
          entry.number := chain.number + 1;
          entry.time := clock_timestamp();
          entry.previous_hash := chain.hash;
          -- A query costs as much as ten expressions.
          if cardinality(entry.records) <= 8 then
            audited := '';
            for nth in 1 .. cardinality(entry.records) loop
              audited := audited
                || ${netstringsSql(['entry.records[nth]', 'entry.operations[nth]', 'entry.versions[nth]'])};
            end loop;
          else
            select coalesce(string_agg(${netstringsSql(['record', 'operation', 'version'])}, '' order by nth), '')
            into audited
            from unnest(entry.records, entry.operations, entry.versions)
              with ordinality as each(record, operation, version, nth);
          end if;
          entry.hash := ${entryHash};
          entries[place] := entry;
          chain.number := entry.number;
          chain.hash := entry.hash;
        end loop;
        update audit_chain set number = chain.number, hash = chain.hash, epoch = current_epoch
        where tenant_id = chain.tenant_id;
        insert into audit_entry select * from unnest(entries);
      end $$;

      -- The entry about the end of the epoch in which a chain got its last entry. Of the owner's functions only.
      create function link_cut(chain audit_chain) returns audit_entry
        language plpgsql stable security definer set search_path = public, pg_temp as $$
      declare
        entry audit_entry;
        audited text := '';
      begin
        entry := row(chain.tenant_id, chain.number + 1, clock_timestamp(), 'CUT', 'service:customers', 'platform', null, null,
          '{}'::text[], '{}'::text[], '{}'::int[],
          json_build_object('keptPosition', change_log_kept(chain.epoch), 'time', (
            select to_char(time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
            from change_log_fork where epoch = chain.epoch)), chain.hash, null)::audit_entry;
        entry.hash := ${entryHash};
        return entry;
      end $$;
      do $$
      declare
        grantee text;
      begin
        revoke execute on function link_cut from public;
        for grantee in select distinct acl.grantee::regrole::text from pg_proc p, aclexplode(p.proacl) acl
          where p.oid = 'link_cut'::regproc and acl.grantee not in (0, p.proowner)
        loop
          execute format('revoke execute on function link_cut from %s', grantee);
        end loop;
      end $$;
    `);
  }
}

/** As in `create-audit-chain`. */
function netstringsSql(values: readonly string[]): string {
  return `concat(${values.map((value) => `octet_length((${value})::text), ':', ${value}, ','`).join(', ')})`;
}

/** As in `create-audit-chain`. */
const entryHash = `sha256(convert_to(${netstringsSql([
  `encode(entry.previous_hash, 'hex')`,
  'entry.tenant_id',
  'entry.number',
  `to_char(entry.time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  ...['kind', 'actor', 'origin', 'request_id', 'causation_id'].map((column) => `entry.${column}`),
  'audited',
  'entry.detail',
])}, 'UTF8'))`;
