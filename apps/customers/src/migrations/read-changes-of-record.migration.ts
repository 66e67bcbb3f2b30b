import { Migration } from '@mikro-orm/migrations';

/** Reads the newest changes of a record, from which its states before and after each change follow. */
export class ReadChangesOfRecord extends Migration {
  override name = 'read-changes-of-record';

  override up(): void {
    this.addSql(changesOfRecord);
  }
}

const changesOfRecord = `
  -- The changes of a record of the caller's tenant since a time, the newest first, those in the outbox included: together with the row
  -- in the same statement they are of one moment.
  create function changes_of_record(of_type text, of_record text, since timestamptz, most int)
    returns table (id uuid, operation text, "time" timestamptz, before json)
    language sql stable security definer set search_path = public, pg_temp as $$
    select id, operation, time, before from (
      select 1 as age, sequence as place, id, operation, before, time, type from outbox
      where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and record_id = of_record
      union all
      select 2, position, id, operation, before, time, type from change_log
      where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and record_id = of_record
    ) changes
    where type = of_type and time >= since
    order by age, place desc
    limit most
  $$;
`;
