import { Migration } from '@mikro-orm/migrations';

/** Keeps with each endpoint its filters on the records that events are about: none of endpoints that there are. */
export class FilterWebhooks extends Migration {
  override name = 'filter-webhooks';

  override up(): void {
    this.addSql(`alter table webhook_endpoint add column filters jsonb not null default '[]'`);
  }
}
