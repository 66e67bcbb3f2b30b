import { Migration } from '@mikro-orm/migrations';

/** Stores the read permissions of each endpoint, which limit its events. Existing endpoints get the permission for all types so far. */
export class BoundWebhooksByRights extends Migration {
  override name = 'bound-webhooks-by-rights';

  override up(): void {
    this.addSql(`alter table webhook_endpoint add column read_permissions text[] not null default '{customers.read}'`);
  }
}
