import { Migration } from '@mikro-orm/migrations';

/** Each with its table and columns. */
const indexes = {
  customer_live_by_birth_date: 'customer (tenant_id, birth_date, id) where delete_time is null',
  customer_live_by_lifecycle_stage_time: 'customer (tenant_id, lifecycle_stage_time, id) where delete_time is null',
  customer_deleted_by_delete_time: 'customer (tenant_id, delete_time, id) where delete_time is not null',
  deal_deleted_by_delete_time: 'deal (tenant_id, delete_time, id) where delete_time is not null',
  pipeline_deleted_by_delete_time: 'pipeline (tenant_id, delete_time, id) where delete_time is not null',
  stage_entry_deleted_by_delete_time: 'stage_entry (tenant_id, delete_time, id) where delete_time is not null',
};

/**
 * Indexes of the remaining days and times of records. They are built while rows are read and written, in no transaction: a build that
 * ends early leaves an index that is not valid, which the next run replaces.
 */
export class OrderByAllTimes extends Migration {
  override name = 'order-by-all-times';

  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    // A build waits for transactions that are older, and keeps no call waiting.
    this.addSql('set lock_timeout = 0');
    this.addSql('set statement_timeout = 0');
    for (const [name, on] of Object.entries(indexes)) {
      this.addSql(`drop index concurrently if exists ${name}`);
      this.addSql(`create index concurrently ${name} on ${on}`);
    }
    this.addSql('reset lock_timeout');
    this.addSql('reset statement_timeout');
  }
}
