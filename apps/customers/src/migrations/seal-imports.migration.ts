import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';

/**
 * Imports as operations of encrypted workspaces: their files are sealed with a key that is destroyed with them, and
 * their reports with another one that erasures destroy (ADR 0032).
 */
export class SealImports extends Migration {
  override name = 'seal-imports';

  override up(): void {
    this.addSql(`
      alter table operation add column sealed boolean not null default false;
      -- Of the report. Null when there is no key.
      alter table operation add column key_subject uuid;

      -- Null for plain bytes, and for a file that its process encrypts itself: such a file has no operation.
      alter table import_piece add column key_subject uuid;
      create policy sealed_only on import_piece as restrictive using (true)
        with check ((key_subject is not null or not exists (
          select from operation where operation.tenant_id = import_piece.tenant_id and operation.id = operation_id
        )) or not exists (select from tenant_encryption));
      create trigger destroy_keys after delete on import_piece
        referencing old table as old_row for each statement execute function destroy_archive_keys_later();

      create policy sealed_only on operation_issue as restrictive using (true)
        with check ((starts_with(message, chr(1)) or message = 'Erased.') or not exists (select from tenant_encryption));
    `);
    this.addSql(changeLogRights);
  }
}
