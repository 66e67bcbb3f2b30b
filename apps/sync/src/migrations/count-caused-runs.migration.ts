import { Migration } from '@mikro-orm/migrations';

/** The run at the start of the cause chain of each run that another one has caused. */
export class CountCausedRuns extends Migration {
  override name = 'count-caused-runs';

  override up(): void {
    this.addSql(`
      alter table flow_run add column root_run_id uuid;
      create index flow_run_by_root on flow_run (tenant_id, root_run_id) where root_run_id is not null;
    `);
  }
}
