import { Migration } from '@mikro-orm/migrations';

/**
 * Holds of endpoints without changes to their deliveries, a count of attempts at their end, and the size of a delivery's values,
 * which bounds reads.
 */
export class ShareWebhookTurns extends Migration {
  override name = 'share-webhook-turns';

  override up(): void {
    this.addSql(`
      -- Endpoints that are to be left alone for now. Not bound to a tenant: the workers of all look in it. It holds ids and times only.
      create table webhook_hold (
        endpoint_id uuid not null primary key,
        tenant_id uuid not null,
        hold_until timestamptz(3) not null
      );

      -- True from the beginning of the first attempt on: it gathers no more events.
      alter table webhook_delivery add column is_started boolean not null default false;
      -- Of the sealed values of its events.
      alter table webhook_delivery add column event_bytes bigint not null default 0;
    `);
  }
}
