import { Migration } from '@mikro-orm/migrations';

/** Timers, and the clock that decides what is due. A service that sets timers lists it among its migrations. */
export class CreateTimer extends Migration {
  override name = 'create-timer';

  override up(): void {
    this.addSql(`
      create table timer (
        tenant_id uuid not null,
        id uuid not null,
        kind text not null,
        record_type text not null,
        record_id uuid not null,
        purpose text not null,
        due_time timestamptz(3) not null,
        payload jsonb not null,
        state text not null check (state in ('PENDING', 'FIRED', 'CANCELLED')),
        create_time timestamptz(3) not null,
        end_time timestamptz(3),
        primary key (tenant_id, id),
        check ((state = 'PENDING') = (end_time is null))
      );
      -- A record has one pending timer of a kind and purpose: to set it again moves it.
      create unique index timer_pending on timer (tenant_id, record_type, record_id, kind, purpose) where state = 'PENDING';
      create index timer_by_due_time on timer (tenant_id, due_time, id);
      create index timer_ended on timer (tenant_id, end_time) where state <> 'PENDING';
      alter table timer enable row level security;
      alter table timer force row level security;
      create policy tenant_isolation on timer
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

      -- Pending timers of all tenants, which workers look for: only ids and times.
      create table timer_job (
        tenant_id uuid not null,
        timer_id uuid not null,
        next_time timestamptz(3) not null,
        failures int not null default 0,
        primary key (tenant_id, timer_id)
      );
      create index timer_job_by_time on timer_job (next_time);
      create index timer_job_by_tenant on timer_job (tenant_id, next_time);
      create index timer_job_failing on timer_job (failures) where failures > 0;

      -- Has a row in tests only: the worker of a service refuses to run with one, and the service cannot write it.
      create table clock_shift (shift interval not null);
      create unique index clock_shift_once on clock_shift ((true));
      do $$
      declare
        grantee text;
      begin
        for grantee in
          select distinct case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
          from pg_class, aclexplode(relacl) acl where pg_class.oid = 'clock_shift'::regclass and acl.grantee <> relowner
        loop
          execute format('revoke all on clock_shift from %s', grantee);
          execute format('grant select on clock_shift to %s', grantee);
        end loop;
      end $$;

      -- What is due is decided here alone. The clocks of processes differ, that of the database is one.
      create function rapport_clock() returns timestamptz language sql stable as $$
        select clock_timestamp() + coalesce((select shift from clock_shift), interval '0')
      $$;
    `);
  }
}
