import { Migration } from '@mikro-orm/migrations';

/** Keeps with each event where its trace goes on, as a W3C `traceparent`, for the attempts to tell of it. */
export class TraceEvents extends Migration {
  override name = 'trace-events';

  override up(): void {
    this.addSql('alter table webhook_event add column traceparent text');
  }
}
