import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';

/** How far segments have followed the change log, and how many members they have. */
export class KeepSegments extends Migration {
  override name = 'keep-segments';

  override up(): void {
    this.addSql(tables);
    this.addSql(changeLogRights);
  }
}

const tables = `
  -- A customer has at most one membership at a time. The pages of a build and candidates find it.
  create unique index segment_member_live on segment_member (tenant_id, segment_id, customer_id) where delete_time is null;

  -- Versions of a segment would follow each other with every member: they show the size at intervals.
  create table segment_progress (
    tenant_id uuid not null,
    segment_id uuid not null,
    size int not null default 0,
    -- While its members are being found: the customers up to this id have been looked at.
    is_building boolean not null,
    build_after uuid,
    -- Of a snapshot: the segment whose members it copies.
    source_id uuid,
    shown_time timestamptz(3) not null default '-infinity',
    primary key (tenant_id, segment_id),
    foreign key (tenant_id, segment_id) references segment (tenant_id, id) on delete cascade
  );

  alter table segment_progress enable row level security;
  alter table segment_progress force row level security;
  create policy tenant_isolation on segment_progress
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  -- The tenants with segments, of which workers find those with work. Its row lock is the claim of a worker.
  create table segment_job (
    tenant_id uuid primary key,
    -- All changes up to it have been followed. Absent before the first look.
    epoch text,
    position bigint,
    -- The time at which relative times of filters were last read, and when the next one turns.
    present timestamptz(3),
    next_time timestamptz(3)
  );

  -- An erasure removes members for good.
  create function count_removed_members() returns trigger language plpgsql as $$
  begin
    update segment_progress progress set size = size - removed.members
    from (select tenant_id, segment_id, count(*) as members from old_row where delete_time is null
      group by tenant_id, segment_id order by segment_id) removed
    where progress.tenant_id = removed.tenant_id and progress.segment_id = removed.segment_id;
    return null;
  end $$;

  create trigger count_removed_members after delete on segment_member
    referencing old table as old_row for each statement execute function count_removed_members();
`;
