import { Migration } from '@mikro-orm/migrations';

/** What is asked when a queued message is about to be sent: consent to its topic, and whether its customer has answered. */
export class HoldMessages extends Migration {
  override name = 'hold-messages';

  override up(): void {
    this.addSql('alter table mail_envelope add column topic_key text, add column unless_answered_since timestamptz(3)');
  }
}
