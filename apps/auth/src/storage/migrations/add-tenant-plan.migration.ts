import { Migration } from '@mikro-orm/migrations';

/** A release that does not know the column goes on making tenants: they get the default. */
export class AddTenantPlan extends Migration {
  override name = 'add-tenant-plan';

  override up(): void {
    this.addSql(`alter table tenant add column plan text not null default 'standard'`);
  }
}
