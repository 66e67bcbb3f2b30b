import { Migration } from '@mikro-orm/migrations';

/** Stores the W3C `traceparent` of each event, for the spans of its attempts. */
export class TraceEvents extends Migration {
  override name = 'trace-events';

  override up(): void {
    this.addSql('alter table webhook_event add column traceparent text');
  }
}
