import { Migration } from '@mikro-orm/migrations';

/** The function that removes what the change log has of a tenant that is closed (docs/workspace.md). */
export class RemoveChanges extends Migration {
  override name = 'remove-changes';

  override up(): void {
    this.addSql(`
      -- Removes up to a number of changes of the session's tenant from the outbox, and as many from the log. Returns how many it has removed.
      create function remove_changes(most int) returns int
        language plpgsql security definer set search_path = public, pg_temp as $$
      declare
        of_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
        waiting int;
        logged int;
      begin
        if of_tenant = '00000000-0000-0000-0000-000000000000' then
          raise exception 'Gaps of the log are of all tenants.' using errcode = 'insufficient_privilege';
        end if;
        delete from outbox where ctid = any (array(select ctid from outbox where tenant_id = of_tenant limit most));
        get diagnostics waiting = row_count;
        delete from change_log where tenant_id = of_tenant and position = any (array(
          select position from change_log where tenant_id = of_tenant limit most));
        get diagnostics logged = row_count;
        return waiting + logged;
      end $$;
    `);
  }
}
