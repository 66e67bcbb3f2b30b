import { Migration } from '@mikro-orm/migrations';

/**
 * PostgreSQL gathers no statistics of the columns of the change log for which it plans nothing, as for those of customers: the log
 * grows with each write, so that it is analyzed again and again, and sorting its ids and requests takes most of the time.
 */
export class SkipLogStatistics extends Migration {
  override name = 'skip-log-statistics';

  override up(): void {
    this.addSql(`
      create function skip_log_statistics(log regclass) returns void
        language plpgsql set search_path = public, pg_temp as $$
      begin
        execute format('alter table %s ${columns.map((column) => `alter column ${column} set statistics 0`).join(', ')}', log);
      end $$;

      -- With its partitions.
      select skip_log_statistics('change_log');

      create or replace function begin_change_log_partition(number bigint) returns void
        language plpgsql security definer set search_path = public, pg_temp as $$
      declare
        name text := 'change_log_' || number;
      begin
        execute format('create table %I (like change_log including defaults including constraints including indexes)', name);
        -- Accessed through its parent only, whose policies then apply.
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy owner_of_all on %I to current_user using (true) with check (true)', name);
        perform revoke_all_but(name::regclass, '');
        perform skip_log_statistics(name::regclass);
        execute format('alter table change_log attach partition %I for values from (%s) to (%s)', name, number << 32,
          (number + 1) << 32);
        perform setval('change_log_position', greatest(number << 32, 1), number > 0);
      end $$;
    `);
  }
}

/** Columns that no statement compares. */
const columns = [
  ...['id', 'changed_fields', 'before', 'after', 'actor', 'origin', 'request_id', 'causation_id', 'hop'],
  ...['traceparent', 'erased_digest'],
];
