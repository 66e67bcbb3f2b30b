import { Migration } from '@mikro-orm/migrations';

/**
 * Lets tenants define fields of other types of records than customers. The key of such a definition begins with its type, as in
 * `deal.plan`, so that the primary key stays and no definition of another type has the key of one of customers.
 *
 * The previous release writes definitions of customers only, which the default says. It takes all definitions of a tenant for those of
 * customers: it lists and counts them, and exports an empty column for each. That changes nothing of what it knows: its pattern of a key
 * has no point, so that none of its methods gets, changes or deletes a definition of another type; and a filter, an order, a group or a
 * sum can not name one, since what follows the point is a path of its own. A customer can have a value of such a key only when, while
 * both releases run, a caller names the key or a column of a file has the name of the field. This release then keeps the value as one
 * whose definition is gone.
 */
export class AddCustomFieldRecordType extends Migration {
  override name = 'add-custom-field-record-type';

  override up(): void {
    this.addSql(`
      alter table custom_field add column record_type text not null default 'customer';
      -- Each write of a record reads the definitions of its type.
      create index custom_field_by_record_type on custom_field (tenant_id, record_type);
    `);
  }
}
