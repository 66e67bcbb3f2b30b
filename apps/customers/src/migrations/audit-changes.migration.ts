import { Migration } from '@mikro-orm/migrations';

/**
 * Has the sequencer append changes to their tenants' audit in the transaction that gives them their positions: one entry for
 * the changes of one request in one call of `sequence_changes` (ADR 0026). It is called as before.
 */
export class AuditChanges extends Migration {
  override name = 'audit-changes';

  override up(): void {
    this.addSql(sequenceChanges({ withTraces: false }));
  }
}

/**
 * SQL of one text that says where each value ends: `<bytes>:<value>,` for each, and `:,` for one that is absent.
 *
 * @param values expressions, each of which is evaluated twice
 */
function netstringsSql(values: readonly string[]): string {
  return `concat(${values.map((value) => `octet_length((${value})::text), ':', ${value}, ','`).join(', ')})`;
}

/** What stands for a change in its entry, as `netstrings` writes it. Twin of digestOfChange in audited-changes.ts. */
export const changeDigest = `sha256(convert_to(${netstringsSql([
  ...[
    'position',
    'id',
    'type',
    'record_id',
    'version',
    'operation',
    'time',
    'changed_fields',
    'before',
    'after',
    'hop',
  ],
])}, 'UTF8'))`;

const tracesOfMoved = `(select array_agg(traceparent || ' ' || extract(epoch from first_time) * 1000) from (
        select traceparent, min(time) as first_time from digested where traceparent is not null
        group by traceparent limit 100) traced)`;

/** SQL of the changes in the outbox that a call of the function has to move. */
const dueChanges = (columns: string): string => `      select ${columns} from outbox o
      where seen is null and o.sequence > after_sequence and (pass is null or pg_visible_in_snapshot(o.xid, pass))
      union all
      select ${columns} from outbox o
      where seen is not null and o.xid >= pg_snapshot_xmax(seen)
        and o.sequence > after_sequence and (pass is null or pg_visible_in_snapshot(o.xid, pass))
      union all
      select ${columns} from outbox o
      where seen is not null and o.xid = any (array(select pg_snapshot_xip(seen)))
        and o.sequence > after_sequence and (pass is null or pg_visible_in_snapshot(o.xid, pass))`;

/** A snapshot that sees no change to move is the end of a pass: whatever is visible to it has left the outbox. */
const look = `
    -- Most looks find nothing, and need neither the lock nor the statement that moves changes.
    select pg_current_snapshot(), exists (
${dueChanges('')}
    ) into snapshot, is_due;
    if not is_due then
      moved := 0;
      return;
    end if;`;

/**
 * SQL of the function that moves changes into the log.
 *
 * @param withTraces as the migration `trace-changes` has it: it keeps each change's `traceparent`, and tells up to 100 of those
 *   that it has moved, each with the time of its first change in milliseconds behind a blank
 * @param looksFirst as the migration `look-before-sequencing` has it
 */
export function sequenceChanges({
  withTraces,
  looksFirst = false,
}: {
  withTraces: boolean;
  looksFirst?: boolean;
}): string {
  const traced = (sql: string) => (withTraces ? sql : '');
  const looking = (sql: string) => (looksFirst ? sql : '');
  return `
  create or replace function sequence_changes(
    seen pg_snapshot, pass pg_snapshot, after_sequence bigint, batch int,
    out moved int, out last_sequence bigint, out last_position bigint, out snapshot pg_snapshot, out ages double precision[]${traced(', out traces text[]')}
  ) language plpgsql security definer set search_path = public, pg_temp set enable_seqscan = off set timezone = 'UTC' set datestyle = 'ISO'${looking(' set plan_cache_mode = force_generic_plan')} as $$
  declare
    entries audit_entry[];${looking('\n    is_due boolean;')}
  begin
    perform refuse_tenants();${looking(look)}
    perform lock_change_log();
    -- A position that was told must outlive a crash.
    if current_setting('synchronous_commit') = 'off' then perform set_config('synchronous_commit', 'local', true); end if;
    -- A statement of its own, so that it sees what was committed while we waited. Rows that nobody updates keep their address.
    with due as (
${dueChanges('o.ctid as address, o.sequence')}
    ), first as (
      select * from due order by sequence limit batch
    ), taken as (
      delete from outbox where ctid = any (array(select address from first)) returning *
    ), logged as (
      insert into change_log (tenant_id, position, id, type, record_id, version, operation, time, changed_fields, before,
        after, actor, origin, request_id, causation_id, hop${traced(', traceparent')})
      select tenant_id, nextval('change_log_position'), id, type, record_id, version, operation, time, changed_fields,
        before, after, actor, origin, request_id, causation_id, hop${traced(', traceparent')}
      from (select * from taken order by sequence) ordered
      returning change_log.*
    ), digested as materialized (
      select tenant_id, position, type || '/' || record_id as record, version, operation, time, actor, origin, request_id,
        causation_id, ${changeDigest} as digest${traced(', traceparent')}
      from logged
    ), requests as (
      select tenant_id, min(position) as first_position, row(tenant_id, null, null, 'CHANGE', actor, origin, request_id,
          causation_id, array_agg(record order by position), array_agg(operation order by position),
          array_agg(version order by position),
          json_build_object('firstPosition', min(position), 'lastPosition', max(position),
            'digest', encode(sha256(string_agg(digest, '' order by position)), 'hex')), null, null)::audit_entry as entry
      from digested group by tenant_id, actor, origin, request_id, causation_id
    )
    select count(*), max(position), (select max(sequence) from taken), pg_current_snapshot(),
      (array_agg(extract(epoch from clock_timestamp() - time)::double precision))[1:100],
      (select array_agg(entry order by tenant_id, first_position) from requests)${traced(`, ${tracesOfMoved}`)}
    into moved, last_position, last_sequence, snapshot, ages, entries${traced(', traces')} from digested;
    if moved > 0 then
      perform append_audit_entries(entries);
      perform pg_notify('change_log', last_position::text);
    end if;
  end $$;
`;
}
