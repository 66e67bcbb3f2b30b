/** The functions of the migration `create-change-log`. They run as the owner, for any caller. */
export const changeLogFunctions = `
  create function log_gap() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
  declare
    call json := nullif(current_setting('app.call', true), '');
  begin
    insert into outbox (tenant_id, record_id, type, version, operation, time, actor, origin, request_id, causation_id, hop)
    values ('00000000-0000-0000-0000-000000000000', '', tg_argv[0], 0, 'GAP', clock_timestamp(),
      coalesce(call ->> 'actor', 'database:' || session_user), coalesce(call ->> 'origin', 'sql'),
      call ->> 'requestId', call ->> 'causationId', coalesce((call ->> 'hop')::int, 0));
    return null;
  end $$;

  -- For functions that go beyond one tenant: no call of a tenant has a reason to use them.
  create function refuse_tenants() returns void language plpgsql as $$
  begin
    if nullif(current_setting('app.tenant_id', true), '') is not null then
      raise exception 'This is not for a session of a tenant.' using errcode = 'insufficient_privilege';
    end if;
  end $$;

  -- Any number of its own.
  create function lock_change_log() returns void language sql as 'select pg_advisory_xact_lock(7246178303)';

  /*
   * Moves changes that are visible now from the outbox to the log, in the order of their sequence. Whoever calls it waits
   * until nobody else does: positions become visible in their order.
   *
   * A pass moves what became visible between two snapshots, in as many calls as it takes. Of two changes of one record the
   * later one waited for the commit of the earlier, so it is in the same pass with a higher sequence, or in a later pass.
   *
   * seen: the snapshot up to which all is moved; null when it is not known. pass: the snapshot of the first call of a pass;
   * null in that call. after_sequence: up to where this pass has come.
   */
  create function sequence_changes(
    seen pg_snapshot, pass pg_snapshot, after_sequence bigint, batch int,
    out moved int, out last_sequence bigint, out last_position bigint, out snapshot pg_snapshot, out ages double precision[]
  ) language plpgsql security definer set search_path = public, pg_temp set enable_seqscan = off as $$
  begin
    perform refuse_tenants();
    perform lock_change_log();
    -- A position that was told must outlive a crash.
    if current_setting('synchronous_commit') = 'off' then perform set_config('synchronous_commit', 'local', true); end if;
    -- A statement of its own, so that it sees what was committed while we waited.
    with due as (
      select o.xid, o.sequence from outbox o
      where seen is null and o.sequence > after_sequence and (pass is null or pg_visible_in_snapshot(o.xid, pass))
      union all
      select o.xid, o.sequence from outbox o
      where seen is not null and o.xid >= pg_snapshot_xmax(seen)
        and o.sequence > after_sequence and (pass is null or pg_visible_in_snapshot(o.xid, pass))
      union all
      select o.xid, o.sequence from outbox o
      where seen is not null and o.xid = any (array(select pg_snapshot_xip(seen)))
        and o.sequence > after_sequence and (pass is null or pg_visible_in_snapshot(o.xid, pass))
    ), first as (
      select * from due order by sequence limit batch
    ), taken as (
      delete from outbox o using first f where o.xid = f.xid and o.sequence = f.sequence returning o.*
    ), logged as (
      insert into change_log (tenant_id, position, id, type, record_id, version, operation, time, changed_fields, before,
        after, actor, origin, request_id, causation_id, hop)
      select tenant_id, nextval('change_log_position'), id, type, record_id, version, operation, time, changed_fields,
        before, after, actor, origin, request_id, causation_id, hop
      from (select * from taken order by sequence) ordered
      returning position, time
    )
    select count(*), max(position), (select max(sequence) from taken), pg_current_snapshot(),
      (array_agg(extract(epoch from clock_timestamp() - time)::double precision))[1:100]
    into moved, last_position, last_sequence, snapshot, ages from logged;
    if moved > 0 then perform pg_notify('change_log', last_position::text); end if;
  end $$;

  -- How many committed changes have no position yet, and how long the oldest has waited.
  create function outbox_waiting(out waiting bigint, out oldest_seconds double precision)
    language sql stable security definer set search_path = public, pg_temp as $$
    select count(*), coalesce(extract(epoch from clock_timestamp() - min(time)), 0)::double precision from outbox
  $$;

  -- The position up to which everything is in the log, as of the caller's snapshot.
  create function change_log_end() returns bigint
    language sql stable security definer set search_path = public, pg_temp as $$
    select greatest((select max(position) from change_log), (select dropped_position from change_log_state))
  $$;

  -- Changes of all tenants. For the platform's own processes.
  create function changes_after(after_position bigint, most int, with_values boolean)
    returns table ("position" bigint, tenant_id uuid, id uuid, type text, record_id text, version int, operation text,
      "time" timestamptz, changed_fields text[], before text, after text, actor text, origin text, request_id text,
      causation_id text, hop int)
    language plpgsql stable security definer set search_path = public, pg_temp set enable_seqscan = off as $$
  begin
    perform refuse_tenants();
    return query
      select c.position, c.tenant_id, c.id, c.type, c.record_id, c.version, c.operation, c.time, c.changed_fields,
        case when with_values then c.before::text end, case when with_values then c.after::text end,
        c.actor, c.origin, c.request_id, c.causation_id, c.hop
      from change_log c
      where c.position > after_position
      order by c.position limit most;
  end $$;

  -- What a record of the caller's tenant was before each of its changes since a time, the newest first, those in the
  -- outbox included: together with the row in the same statement they are of one moment.
  create function values_before(of_type text, of_record text, since timestamptz)
    returns table (operation text, version int, before json)
    language sql stable security definer set search_path = public, pg_temp as $$
    select operation, version, before from (
      select 1 as age, sequence as place, operation, version, before, time, type from outbox
      where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and record_id = of_record
      union all
      select 2, position, operation, version, before, time, type from change_log
      where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and record_id = of_record
    ) changes
    where type = of_type and time > since
    order by age, place desc
  $$;

  -- Begins another epoch: every cursor that was given until now is expired. For who restored the database in a way that
  -- the log can't tell, such as from a copy of its files.
  create function renew_change_log_epoch() returns text
    language sql security definer set search_path = public, pg_temp as $$
    update change_log_state set epoch = left(gen_random_uuid()::text, 8) returning epoch
  $$;

  -- The epoch. Begins another one when the database is another than the last time: restored, or promoted.
  create function check_change_log_epoch() returns text
    language plpgsql security definer set search_path = public, pg_temp as $$
  declare
    found_incarnation text := (select s.system_identifier || '/' || c.timeline_id
      from pg_control_system() s, pg_control_checkpoint() c);
    known_incarnation text;
  begin
    perform lock_change_log();
    select incarnation into known_incarnation from change_log_state;
    if known_incarnation is distinct from found_incarnation then
      update change_log_state set incarnation = found_incarnation;
      if known_incarnation is not null then perform renew_change_log_epoch(); end if;
    end if;
    return (select epoch from change_log_state);
  end $$;

  -- Makes the partition of the changes from now on. Each has 2^32 positions of its own, so that it can begin at any time.
  create function begin_change_log_partition(number bigint) returns void
    language plpgsql security definer set search_path = public, pg_temp as $$
  declare
    name text := 'change_log_' || number;
  begin
    execute format('create table %I (like change_log including defaults including constraints including indexes)', name);
    -- Reached through its parent only, whose policies then count.
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy owner_of_all on %I to current_user using (true) with check (true)', name);
    perform revoke_all_but(name::regclass, '');
    execute format('alter table change_log attach partition %I for values from (%s) to (%s)', name, number << 32,
      (number + 1) << 32);
    perform setval('change_log_position', greatest(number << 32, 1), number > 0);
  end $$;

  create function newest_change_log_partition() returns bigint language sql as $$
    select max(substr(c.relname, 12)::bigint) from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'change_log'::regclass
  $$;

  -- Begins a new partition when the oldest change of the newest one is older than "span". Returns whether it did.
  create function extend_change_log(span interval) returns boolean
    language plpgsql security definer set search_path = public, pg_temp as $$
  declare
    newest bigint;
    first_time timestamptz;
  begin
    perform refuse_tenants();
    if (span >= interval '1 hour') is not true then
      raise exception 'A partition of the change log spans an hour at least.' using errcode = 'invalid_parameter_value';
    end if;
    perform lock_change_log();
    -- Whoever had the lock before may have begun one.
    newest := newest_change_log_partition();
    perform set_config('lock_timeout', '300ms', true);
    execute format('select time from change_log_%s order by position limit 1', newest) into first_time;
    if (first_time < now() - span) is not true then return false; end if;
    perform begin_change_log_partition(newest + 1);
    return true;
  end $$;

  /*
   * Drops the partitions, but the newest, of which every change is older than "keep" and behind the checkpoint of every
   * consumer that was heard of within "mourn". Returns how many. One that is being read, such as by a snapshot, is left for
   * another time.
   */
  create function drop_old_changes(keep interval, mourn interval) returns int
    language plpgsql security definer set search_path = public, pg_temp as $$
  declare
    newest bigint;
    needed bigint;
    number bigint;
    last_position bigint;
    last_time timestamptz;
    dropped int := 0;
  begin
    perform refuse_tenants();
    if (keep >= interval '1 day' and mourn >= interval '1 day') is not true then
      raise exception 'Changes are kept for a day at least.' using errcode = 'invalid_parameter_value';
    end if;
    perform lock_change_log();
    newest := newest_change_log_partition();
    needed := (select min(position) from change_consumer where heard_time > now() - mourn);
    perform set_config('lock_timeout', '300ms', true);
    for number in
      select substr(c.relname, 12)::bigint from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'change_log'::regclass and substr(c.relname, 12)::bigint < newest order by 1
    loop
      execute format('select position, time from change_log_%s order by position desc limit 1', number)
        into last_position, last_time;
      exit when last_time >= now() - keep or last_position > needed;
      begin
        execute format('drop table change_log_%s', number);
      exception when lock_not_available then
        exit;
      end;
      update change_log_state set dropped_position = greatest(dropped_position, last_position),
        dropped_time = greatest(dropped_time, last_time) where last_position is not null;
      dropped := dropped + 1;
    end loop;
    return dropped;
  end $$;

  select begin_change_log_partition(0);
`;
