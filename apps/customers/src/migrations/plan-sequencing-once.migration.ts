import { Migration } from '@mikro-orm/migrations';

/**
 * Plans the statement that moves changes to the log once for each connection. With the snapshots as constants, PostgreSQL finds a plan
 * for each pass a little cheaper, and spends more time on planning than on moving ten changes.
 */
export class PlanSequencingOnce extends Migration {
  override name = 'plan-sequencing-once';

  override up(): void {
    this.addSql(
      'alter function sequence_changes(pg_snapshot, pg_snapshot, bigint, int) set plan_cache_mode = force_generic_plan',
    );
  }
}
