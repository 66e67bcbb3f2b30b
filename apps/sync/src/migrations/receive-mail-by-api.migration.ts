import { Migration } from '@mikro-orm/migrations';

/** Mailboxes without a server, whose mails clients hand over. */
export class ReceiveMailByApi extends Migration {
  override name = 'receive-mail-by-api';

  override up(): void {
    this.addSql(`
      alter table mailbox
        drop constraint mailbox_kind_check,
        add constraint mailbox_kind_check check (kind in ('IMAP', 'SEND_ONLY', 'API')) not valid;
      alter table mailbox validate constraint mailbox_kind_check;
    `);
  }
}
