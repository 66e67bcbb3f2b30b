import { Migration } from '@mikro-orm/migrations';

/** Users can have a daily digest of their notifications, which workers find as a job of its mailbox. */
export class AddNotificationDigest extends Migration {
  override name = 'add-notification-digest';

  override up(): void {
    // A digest has the notifications after digest_position. digest_hour is null without a digest.
    this.addSql(`alter table notification_inbox
      add column digest_hour smallint,
      add column digest_time_zone text,
      add column digest_position int not null default 0`);
    // The message_id of a digest is the id of its user.
    this.addSql(`alter table mail_job drop constraint mail_job_kind_check,
      add constraint mail_job_kind_check check (kind in ('PARSE', 'SEND', 'DIGEST')) not valid`);
    this.addSql('alter table mail_job validate constraint mail_job_kind_check');
  }
}
