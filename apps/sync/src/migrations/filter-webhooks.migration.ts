import { Migration } from '@mikro-orm/migrations';

/** Filters of endpoints on the records of events. Existing endpoints have none. */
export class FilterWebhooks extends Migration {
  override name = 'filter-webhooks';

  override up(): void {
    this.addSql(`alter table webhook_endpoint add column filters jsonb not null default '[]'`);
  }
}
