import { Migration } from '@mikro-orm/migrations';

/**
 * Lets an endpoint be left alone without touching what waits for it, counts attempts when they end, and says how large the values
 * of a delivery are, so that what is read at a time can be bounded.
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
