import { Migration } from '@mikro-orm/migrations';

/** The index of the times when deals start to rot, built as those of `order-by-all-times` are. */
export class OrderDealsByRotTime extends Migration {
  override name = 'order-deals-by-rot-time';

  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    // A build waits for transactions that are older, and keeps no call waiting.
    this.addSql('set lock_timeout = 0');
    this.addSql('set statement_timeout = 0');
    this.addSql('drop index concurrently if exists deal_live_by_rot_time');
    this.addSql(
      'create index concurrently deal_live_by_rot_time on deal (tenant_id, rot_time, id) where delete_time is null',
    );
    this.addSql('reset lock_timeout');
    this.addSql('reset statement_timeout');
  }
}
