import { Migration } from '@mikro-orm/migrations';

/** Message events can be conversions. */
export class AllowConversions extends Migration {
  override name = 'allow-conversions';

  override up(): void {
    this.addSql(`alter table message_event drop constraint message_event_kind_check,
      add constraint message_event_kind_check
        check (kind in ('BOUNCED', 'COMPLAINED', 'OPENED', 'CLICKED', 'UNSUBSCRIBED', 'REPLIED', 'CONVERTED')) not valid`);
    this.addSql('alter table message_event validate constraint message_event_kind_check');
  }
}
