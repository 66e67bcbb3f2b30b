import { Migration } from '@mikro-orm/migrations';

/** Deferred changes of the feed, so that their tenant delays no other, and changes in quarantine. */
export class DeferChanges extends Migration {
  override name = 'defer-changes';

  override up(): void {
    this.addSql(`
      -- Not bound to a tenant: the workers of all look in it. It holds ids, times and the kind of an error only.
      create table deferred_change (
        -- The order in which the change feed gave them.
        number bigint generated always as identity primary key,
        tenant_id uuid not null,
        change_id uuid not null,
        type text not null,
        record_id text not null,
        defer_time timestamptz(3) not null default clock_timestamp(),
        failures int not null default 0,
        -- Since when nobody tries it any more, and why.
        quarantine_time timestamptz(3),
        reason text,
        unique (tenant_id, number)
      );
      create index deferred_change_waiting on deferred_change (tenant_id, number) where quarantine_time is null;
      create index deferred_change_by_time on deferred_change (defer_time) where quarantine_time is null;
      create index deferred_change_quarantined on deferred_change (tenant_id, record_id) where quarantine_time is not null;

      create table deferred_content (
        tenant_id uuid not null,
        number bigint not null,
        -- The message, sealed: there is personal data in it.
        sealed_change bytea not null,
        primary key (tenant_id, number),
        constraint deferred_content_change foreign key (tenant_id, number)
          references deferred_change (tenant_id, number) on delete cascade
      );
      alter table deferred_content enable row level security;
      alter table deferred_content force row level security;
      create policy tenant_isolation on deferred_content
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}
