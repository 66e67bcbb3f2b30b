import { Migration } from '@mikro-orm/migrations';

/** The filter of a mapping that selects its customers. */
export class FilterMappings extends Migration {
  override name = 'filter-mappings';

  override up(): void {
    this.addSql(`
      -- As ListCustomers takes it; null when all customers take part.
      alter table mapping add column filter text;

      -- True while the customer does not meet the filter of the mapping.
      alter table sync_link add column is_left_out boolean not null default false;
      alter table kept_link add column is_left_out boolean not null default false;

      -- Of CUSTOMER: whether it meets the filter of the mapping.
      alter table sync_match add column takes_part boolean not null default true;
    `);
  }
}
