import { Migration } from '@mikro-orm/migrations';

/**
 * Limits the size of the change log: its oldest partitions are dropped before their time when it takes more bytes than
 * it may (docs/operations.md).
 */
export class LimitChangeLog extends Migration {
  override name = 'limit-change-log';

  override up(): void {
    this.addSql(`
      -- Bytes of the log with its indexes.
      create function change_log_bytes() returns bigint
        language plpgsql stable security definer set search_path = public, pg_temp as $$
      begin
        perform refuse_tenants();
        return (select coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint from pg_inherits
          where inhparent = 'change_log'::regclass);
      end $$;

      -- As with one argument, and also when the newest partition takes more than "largest" bytes; null is no limit.
      create function extend_change_log(span interval, largest bigint) returns boolean
        language plpgsql security definer set search_path = public, pg_temp as $$
      declare
        newest bigint;
      begin
        -- Holds the lock of the log from here on.
        if extend_change_log(span) then return true; end if;
        newest := newest_change_log_partition();
        if (pg_total_relation_size(('change_log_' || newest)::regclass) > largest) is not true then return false; end if;
        perform begin_change_log_partition(newest + 1);
        return true;
      end $$;

      /*
       * Drops the oldest partitions, but never the newest: those of which every change is older than "keep", and more while
       * the log takes more than "most_bytes"; null is no limit. Changes of the last hour, and those beyond the checkpoint of
       * a consumer that reported within "consumer_expiry", are retained in any case. Returns the number of dropped partitions, and how many of them
       * were dropped before their time. One that is being read, such as by a snapshot, is left for another time.
       */
      create function drop_old_changes(keep interval, consumer_expiry interval, most_bytes bigint, out dropped int, out early int)
        language plpgsql security definer set search_path = public, pg_temp as $$
      declare
        newest bigint;
        needed bigint;
        number bigint;
        last_position bigint;
        last_time timestamptz;
      begin
        dropped := drop_old_changes(keep, consumer_expiry);
        early := 0;
        newest := newest_change_log_partition();
        needed := (select min(position) from change_consumer where heard_time > now() - consumer_expiry);
        for number in
          select substr(c.relname, 12)::bigint from pg_inherits i join pg_class c on c.oid = i.inhrelid
          where i.inhparent = 'change_log'::regclass and substr(c.relname, 12)::bigint < newest order by 1
        loop
          exit when (change_log_bytes() > most_bytes) is not true;
          execute format('select position, time from change_log_%s order by position desc limit 1', number)
            into last_position, last_time;
          exit when last_time >= now() - interval '1 hour' or last_position > needed;
          begin
            execute format('drop table change_log_%s', number);
          exception when lock_not_available then
            exit;
          end;
          update change_log_state set dropped_position = greatest(dropped_position, last_position),
            dropped_time = greatest(dropped_time, last_time) where last_position is not null;
          early := early + 1;
        end loop;
        dropped := dropped + early;
      end $$;
    `);
  }
}
