import { Migration } from '@mikro-orm/migrations';

/** How fast campaigns send to domains, and what they send to them at the moment. */
export class CreateDeliveryLimits extends Migration {
  override name = 'create-delivery-limits';

  override up(): void {
    this.addSql(`
      create table delivery_limit (
        tenant_id uuid not null,
        id uuid not null,
        -- In lower case.
        match text not null,
        rate_count int,
        rate_seconds int,
        -- 0 for no limit.
        connections int not null,
        -- How often the domain was slowed, and when last. The time ends it.
        slowness int not null,
        slow_time timestamptz(3),
        blocked_until timestamptz(3),
        last_reply text,
        version int not null,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        created_by text not null,
        updated_by text not null,
        primary key (tenant_id, id),
        check ((rate_count is null) = (rate_seconds is null))
      );
      create unique index delivery_limit_match on delivery_limit (tenant_id, match);

      -- E-mails of the last period of a limit. Those without an end are with the relay.
      create table delivery_use (
        tenant_id uuid not null,
        limit_id uuid not null,
        use_id uuid not null,
        begin_time timestamptz(3) not null,
        end_time timestamptz(3),
        primary key (tenant_id, limit_id, use_id),
        constraint delivery_use_limit foreign key (tenant_id, limit_id) references delivery_limit (tenant_id, id) on delete cascade
      );
    `);
    for (const table of ['delivery_limit', 'delivery_use']) {
      this.addSql(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant_isolation on ${table}
          using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
          with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      `);
    }
  }
}
