import { Migration } from '@mikro-orm/migrations';

/** Keeps with each endpoint which records it may be sent events about: by the permission that reads all types that there were before. */
export class BoundWebhooksByRights extends Migration {
  override name = 'bound-webhooks-by-rights';

  override up(): void {
    this.addSql(`alter table webhook_endpoint add column read_permissions text[] not null default '{customers.read}'`);
  }
}
