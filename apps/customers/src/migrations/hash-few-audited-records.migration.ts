import { Migration } from '@mikro-orm/migrations';

/**
 * Hashes entries about a few records by expressions, as those about one: a deal is created with its stage entry, and the query took
 * half of the time of the entry. The hashes are those of `create-audit-chain`.
 */
export class HashFewAuditedRecords extends Migration {
  override name = 'hash-few-audited-records';

  override up(): void {
    this.addSql(`
      create or replace function append_audit_entries(entries audit_entry[]) returns void
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
        update audit_chain set number = chain.number, hash = chain.hash where tenant_id = chain.tenant_id;
        insert into audit_entry select * from unnest(entries);
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
