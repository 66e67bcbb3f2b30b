import { Migration } from '@mikro-orm/migrations';

/** Logs the removal of a file only if it was live: that it was deleted has been logged already of one that was not. */
export class LogFileDeletionsOnce extends Migration {
  override name = 'log-file-deletions-once';

  override up(): void {
    this.addSql(logDelete);
  }
}

const logDelete = `
  create or replace function log_file_delete() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
  begin
    insert into outbox (tenant_id, record_id, type, version, operation, time, changed_fields, before, after,
      actor, origin, request_id, causation_id, hop)
    select o.tenant_id, o.id, 'file', o.version + 1, 'DELETE', clock_timestamp(), null, (select row_to_json(r) from (select
        o.id, o.record, o.name, o.content_type, o.size_bytes, o.sha256, o.delete_time, o.version, o.create_time, o.update_time,
        o.created_by, o.updated_by) r), null,
      coalesce(call ->> 'actor', 'database:' || session_user), coalesce(call ->> 'origin', 'sql'), call ->> 'requestId',
      call ->> 'causationId', coalesce((call ->> 'hop')::int, 0)
    from old_row o, (select nullif(current_setting('app.call', true), '')::json as call offset 0) calling
    where o.delete_time is null;
    return null;
  end $$;
`;
