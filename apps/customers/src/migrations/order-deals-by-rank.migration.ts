import { Migration } from '@mikro-orm/migrations';

/** Each with its columns. The second finds the neighbors of a deal in its stage. */
const indexes = {
  deal_live_by_rank: '(tenant_id, sort_rank, id)',
  deal_live_by_stage_rank: '(tenant_id, pipeline_id, stage, sort_rank, id)',
};

/** Indexes of the ranks of deals, built as those of `order-by-all-times` are. */
export class OrderDealsByRank extends Migration {
  override name = 'order-deals-by-rank';

  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    // A build waits for transactions that are older, and keeps no call waiting.
    this.addSql('set lock_timeout = 0');
    this.addSql('set statement_timeout = 0');
    for (const [name, columns] of Object.entries(indexes)) {
      this.addSql(`drop index concurrently if exists ${name}`);
      this.addSql(`create index concurrently ${name} on deal ${columns} where delete_time is null`);
    }
    this.addSql('reset lock_timeout');
    this.addSql('reset statement_timeout');
  }
}
