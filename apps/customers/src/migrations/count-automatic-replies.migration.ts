import { Migration } from '@mikro-orm/migrations';

/** Counts the automatic replies to an address, which end after ten a day. */
export class CountAutomaticReplies extends Migration {
  override name = 'count-automatic-replies';

  override up(): void {
    // Times of replies of the last 24 hours, at most 10. The time of an address without an automatic answer is '-infinity'.
    this.addSql(`alter table auto_reply add column reply_times timestamptz(3)[] not null default '{}'`);
  }
}
