import { Migration } from '@mikro-orm/migrations';

/**
 * Keeps the rows of customer_order_value by triggers for rows that have order values, where it were triggers for statements: most
 * customers have none, and a statement's trigger cost each create and update a table of its rows and a statement that found nothing
 * in it.
 */
export class KeepOrderValuesByRow extends Migration {
  override name = 'keep-order-values-by-row';

  override up(): void {
    this.addSql(`
      drop trigger insert_customer_order_values on customer;
      drop trigger update_customer_order_values on customer;
      create or replace function insert_customer_order_values() returns trigger language plpgsql as $$
      begin
        insert into customer_order_value (tenant_id, field, value, customer_id)
        select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
        return null;
      end $$;
      create or replace function update_customer_order_values() returns trigger language plpgsql as $$
      begin
        if old.delete_time is null then
          delete from customer_order_value stored using jsonb_each_text(old.order_values) entry
          where (stored.tenant_id, stored.field, stored.value, stored.customer_id)
            = (old.tenant_id, entry.key, entry.value, old.id);
        end if;
        if new.delete_time is null then
          insert into customer_order_value (tenant_id, field, value, customer_id)
          select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;
        end if;
        return null;
      end $$;
      create trigger insert_customer_order_values after insert on customer for each row
        when (new.delete_time is null and new.order_values <> '{}') execute function insert_customer_order_values();
      create trigger update_customer_order_values after update on customer for each row
        when (old.order_values <> new.order_values
          or new.order_values <> '{}' and (old.delete_time is null) <> (new.delete_time is null))
        execute function update_customer_order_values();
    `);
  }
}
