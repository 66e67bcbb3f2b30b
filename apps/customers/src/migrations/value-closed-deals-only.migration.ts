import { Migration } from '@mikro-orm/migrations';

/**
 * Values deals by a trigger that runs for closed deals with an amount, and for those whose value it removes: most written deals are
 * open, and a call of the function costs each of them more than this condition.
 */
export class ValueClosedDealsOnly extends Migration {
  override name = 'value-closed-deals-only';

  override up(): void {
    this.addSql(`
      create or replace trigger keep_deal_value
        before insert or update of status, amount, close_time, base_amount, base_rates on deal for each row when (
          (new.status in ('WON', 'LOST') and new.amount is not null or new.base_amount is not null or new.base_rates <> '[]')
          and not restores_records())
        execute function keep_deal_value();
    `);
  }
}
