import { Migration } from '@mikro-orm/migrations';

/** Null stands for the settings of the workspace, which a release has that does not know the columns. */
export class AddUserLocale extends Migration {
  override name = 'add-user-locale';

  override up(): void {
    this.addSql('alter table user_account add column time_zone text, add column locale text;');
  }
}
