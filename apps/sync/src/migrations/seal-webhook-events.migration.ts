import { Migration } from '@mikro-orm/migrations';

/**
 * Values of events rest sealed only. Those of before were not, and nothing here could seal them: what waits is told without
 * them. No release had them in the clear, so none works beside this that would look for the columns.
 */
export class SealWebhookEvents extends Migration {
  override name = 'seal-webhook-events';

  override up(): void {
    this.addSql(`
      alter table webhook_event add column sealed_values bytea;
      alter table webhook_event drop column before, drop column after;
    `);
  }
}
