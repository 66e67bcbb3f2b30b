import { Migration } from '@mikro-orm/migrations';
import { sequenceChanges } from './audit-changes.migration.js';

/**
 * Keeps with each change the trace in which it was made, as a W3C `traceparent` (docs/operations.md). The outbox takes it from the
 * setting `app.traceparent` by itself, so no trigger has to know of it. The functions are called as before, and answer more.
 */
export class TraceChanges extends Migration {
  override name = 'trace-changes';

  override up(): void {
    this.addSql(`
      alter table outbox add column traceparent text;
      alter table outbox alter column traceparent set default nullif(current_setting('app.traceparent', true), '');
      alter table change_log add column traceparent text;
      drop function sequence_changes(pg_snapshot, pg_snapshot, bigint, int);
      drop function changes_after(bigint, int, boolean);
    `);
    this.addSql(sequenceChanges({ withTraces: true }));
    this.addSql(changesAfter);
  }
}

const changesAfter = `
  -- Changes of all tenants. For the platform's own processes.
  create function changes_after(after_position bigint, most int, with_values boolean)
    returns table ("position" bigint, tenant_id uuid, id uuid, type text, record_id text, version int, operation text,
      "time" timestamptz, changed_fields text[], before text, after text, actor text, origin text, request_id text,
      causation_id text, hop int, traceparent text)
    language plpgsql stable security definer set search_path = public, pg_temp set enable_seqscan = off as $$
  begin
    perform refuse_tenants();
    return query
      select c.position, c.tenant_id, c.id, c.type, c.record_id, c.version, c.operation, c.time, c.changed_fields,
        case when with_values then c.before::text end, case when with_values then c.after::text end,
        c.actor, c.origin, c.request_id, c.causation_id, c.hop, c.traceparent
      from change_log c
      where c.position > after_position
      order by c.position limit most;
  end $$;
`;
