import { Migration } from '@mikro-orm/migrations';

/** Index with which a run finds records that share a unique value. */
export class FindEqualRecords extends Migration {
  override name = 'find-equal-records';

  override up(): void {
    this.addSql(`
      -- Of RECORD: keyed hashes of its e-mail addresses and domains.
      alter table sync_match add column unique_keys text[] not null default '{}';
    `);
  }
}
