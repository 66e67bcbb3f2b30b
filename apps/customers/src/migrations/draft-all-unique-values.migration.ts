import { Migration } from '@mikro-orm/migrations';

/** Dry runs draft records of every type: the types of their unique values are those of the contract, such as `KEY`. */
export class DraftAllUniqueValues extends Migration {
  override name = 'draft-all-unique-values';

  override up(): void {
    this.addSql('alter table import_draft_key drop constraint import_draft_key_type_check');
  }
}
