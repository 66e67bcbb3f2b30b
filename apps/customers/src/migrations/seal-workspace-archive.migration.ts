import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';

/** Archives of encrypted workspaces are sealed, each with a key of its own that is destroyed with it (ADR 0032). */
export class SealWorkspaceArchive extends Migration {
  override name = 'seal-workspace-archive';

  override up(): void {
    this.addSql(`
      -- Null for plain bytes.
      alter table workspace_piece add column key_subject uuid;

      drop policy sealed_only on workspace_piece;
      create policy sealed_only on workspace_piece as restrictive using (true)
        with check ((key_subject is not null) or not exists (select from tenant_encryption));

      create function destroy_archive_keys_later() returns trigger language plpgsql as $$
      begin
        insert into key_destruction (tenant_id, customer_id, last_generation)
          select distinct tenant_id, key_subject, 2147483647 from old_row where key_subject is not null
          on conflict do nothing;
        return null;
      end $$;
      create trigger destroy_keys after delete on workspace_piece
        referencing old table as old_row for each statement execute function destroy_archive_keys_later();
    `);
    this.addSql(changeLogRights);
  }
}
