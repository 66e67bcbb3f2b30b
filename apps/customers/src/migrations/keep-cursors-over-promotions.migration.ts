import { Migration } from '@mikro-orm/migrations';

/**
 * Keeps cursors over the promotion of a standby: they expire only beyond the position at which the log of the former
 * primary and that of the new one part. Reads the timeline from the WAL, since the last checkpoint may be of the former
 * one (ADR 0015).
 */
export class KeepCursorsOverPromotions extends Migration {
  override name = 'keep-cursors-over-promotions';

  override up(): void {
    this.addSql(`
      -- The epochs that have ended, in their order. The log has their changes up to a position, and others after it.
      create table change_log_fork (
        number int generated always as identity primary key,
        epoch text not null unique,
        -- -1 where nothing is known to be the same.
        position bigint not null,
        time timestamptz not null default now()
      );
      select revoke_all_but('change_log_fork', 'select');

      -- Up to which position the log still has what it had in an earlier epoch. Null for an unknown epoch.
      create function change_log_kept(of_epoch text) returns bigint
        language sql stable security definer set search_path = public, pg_temp as $$
        select min(later.position) from change_log_fork ended join change_log_fork later on later.number >= ended.number
        where ended.epoch = of_epoch
      $$;

      -- Begins another epoch: the cursors of this one are expired beyond a position. Of the owner only.
      create function fork_change_log(at_position bigint) returns text
        language plpgsql security definer set search_path = public, pg_temp as $$
      declare
        begun text;
      begin
        insert into change_log_fork (epoch, position) select epoch, at_position from change_log_state;
        update change_log_state set epoch = left(gen_random_uuid()::text, 8) returning epoch into begun;
        return begun;
      end $$;
      do $$
      declare
        grantee text;
      begin
        revoke execute on function fork_change_log from public;
        for grantee in select distinct pg_get_userbyid(acl.grantee) from pg_proc, aclexplode(proacl) acl
          where pg_proc.oid = 'fork_change_log'::regproc and acl.grantee not in (0, proowner)
        loop
          execute format('revoke execute on function fork_change_log from %I', grantee);
        end loop;
      end $$;

      create or replace function renew_change_log_epoch() returns text
        language sql security definer set search_path = public, pg_temp as 'select fork_change_log(-1)';

      -- The epoch. Begins another one after a promotion or a restore, before the first change gets its position there:
      -- the end of the log is then where the histories part.
      create or replace function check_change_log_epoch() returns text
        language plpgsql security definer set search_path = public, pg_temp as $$
      declare
        this_system text := (select system_identifier from pg_control_system());
        this_timeline bigint;
        known text;
      begin
        if pg_is_in_recovery() then return (select epoch from change_log_state); end if;
        perform lock_change_log();
        this_timeline := ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint;
        select incarnation into known from change_log_state;
        if known is distinct from this_system || '/' || this_timeline then
          if split_part(known, '/', 1) = this_system then perform fork_change_log(change_log_end());
          elsif known is not null then perform renew_change_log_epoch();
          end if;
          update change_log_state set incarnation = this_system || '/' || this_timeline;
        end if;
        return (select epoch from change_log_state);
      end $$;
    `);
  }
}
