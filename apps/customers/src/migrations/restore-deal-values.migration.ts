import { Migration } from '@mikro-orm/migrations';

/** Keeps the values of closed deals that an import of a workspace stores: they were converted by the rates of their time. */
export class RestoreDealValues extends Migration {
  override name = 'restore-deal-values';

  override up(): void {
    this.addSql(`
      create function restores_records() returns boolean language sql stable as $$
        select coalesce(current_setting('app.restores_records', true), '') = 'on'
      $$;

      drop trigger keep_deal_value on deal;
      create trigger keep_deal_value before insert or update of status, amount, close_time, base_amount, base_rates on deal
        for each row when (not restores_records()) execute function keep_deal_value();
    `);
  }
}
