import { Migration } from '@mikro-orm/migrations';

/** Finds the deals that open tasks of any owner are related to, also for callers who do not see these tasks. */
export class FindOpenTasksOfDeals extends Migration {
  override name = 'find-open-tasks-of-deals';

  override up(): void {
    this.addSql(`
      create function deals_with_open_tasks(of_tenant uuid, deals uuid[]) returns setof uuid language plpgsql as $$
      declare
        owners text := coalesce(current_setting('app.owner_ids', true), '');
      begin
        perform set_config('app.owner_ids', '', true);
        return query select deal_id from unnest(deals) deal_id where exists (select from task
          where tenant_id = of_tenant and terms @> array['k:deal/' || deal_id] and delete_time is null
            and coalesce(status, 'OPEN') not in ('DONE', 'CANCELLED'));
        perform set_config('app.owner_ids', owners, true);
      end $$;
    `);
  }
}
