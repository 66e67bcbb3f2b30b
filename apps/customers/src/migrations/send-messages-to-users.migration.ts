import { Migration } from '@mikro-orm/migrations';

/** The user that a message goes to, in place of addresses. Auth has the address. */
export class SendMessagesToUsers extends Migration {
  override name = 'send-messages-to-users';

  override up(): void {
    this.addSql('alter table mail_envelope add column to_user_id uuid');
  }
}
