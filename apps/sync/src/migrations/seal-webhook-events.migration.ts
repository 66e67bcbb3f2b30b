import { Migration } from '@mikro-orm/migrations';

/**
 * Stores values of events sealed only. A migration cannot seal earlier values, so pending events are delivered without
 * them. No release has stored them in plain text, so no previous release needs the columns.
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
