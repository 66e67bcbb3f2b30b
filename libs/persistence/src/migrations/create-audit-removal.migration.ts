import { Migration } from '@mikro-orm/migrations';

/** The function by which a service removes the audit of a tenant that is closed (docs/workspace.md). It takes chains away as a whole only. */
export class CreateAuditRemoval extends Migration {
  override name = 'create-audit-removal';

  override up(): void {
    this.addSql(`
      -- Removes up to a number of entries and of heads of the session's tenant, the newest first, so that the rest of a chain ends
      -- before its heads and verification fails. Returns the number of removed rows.
      create function remove_audit(most int) returns int
        language plpgsql security definer set search_path = public, pg_temp as $$
      declare
        of_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
        removed int;
        heads int;
      begin
        delete from audit_entry where tenant_id = of_tenant and number = any (array(
          select number from audit_entry where tenant_id = of_tenant order by number desc limit most));
        get diagnostics removed = row_count;
        if removed > 0 then return removed; end if;
        delete from audit_head where tenant_id = of_tenant and number = any (array(
          select number from audit_head where tenant_id = of_tenant limit most));
        get diagnostics heads = row_count;
        if heads > 0 then return heads; end if;
        -- Nobody appends an entry meanwhile: that takes this row.
        delete from audit_chain c where c.tenant_id = of_tenant
          and not exists (select from audit_entry e where e.tenant_id = of_tenant);
        get diagnostics removed = row_count;
        return removed;
      end $$;
    `);
  }
}
