import { Migration } from '@mikro-orm/migrations';

/** When a message that a relay has deferred can be claimed again. */
export class AddDueTimeToMailJob extends Migration {
  override name = 'add-due-time-to-mail-job';

  override up(): void {
    this.addSql('alter table mail_job add column due_time timestamptz(3);');
  }
}
