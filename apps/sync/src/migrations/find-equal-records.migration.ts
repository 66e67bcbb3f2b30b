import { Migration } from '@mikro-orm/migrations';

/** Lets a run find records that share a value which only one customer can have. */
export class FindEqualRecords extends Migration {
  override name = 'find-equal-records';

  override up(): void {
    this.addSql(`
      -- Of RECORD: keyed hashes of its e-mail addresses and domains.
      alter table sync_match add column unique_keys text[] not null default '{}';
    `);
  }
}
