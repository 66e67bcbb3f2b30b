import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The members of segments: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateSegmentMember extends Migration {
  override name = 'create-segment-member';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'segment_member',
        type: 'segment_member',
        key: 'id',
        version: '$.version',
        content: ['segment_id', 'customer_id', 'join_time', 'join_position', 'delete_time'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table segment_member (
    tenant_id uuid not null,
    id uuid not null,
    segment_id uuid,
    customer_id uuid,
    join_time timestamptz(3),
    join_position text,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    index_version int not null default 0,
    primary key (tenant_id, id),
    constraint segment_member_segment foreign key (tenant_id, segment_id) references segment (tenant_id, id),
    constraint segment_member_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id)
  );

  alter table segment_member
    alter column join_position set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0;

  create index segment_member_live_by_join_time on segment_member (tenant_id, join_time, id) where delete_time is null;

  create index segment_member_deleted_by_join_time on segment_member (tenant_id, join_time, id)
    where delete_time is not null;

  create index segment_member_live_by_create_time on segment_member (tenant_id, create_time, id)
    where delete_time is null;

  create index segment_member_deleted_by_create_time on segment_member (tenant_id, create_time, id)
    where delete_time is not null;

  create index segment_member_live_by_update_time on segment_member (tenant_id, update_time, id)
    where delete_time is null;

  create index segment_member_deleted_by_update_time on segment_member (tenant_id, update_time, id)
    where delete_time is not null;

  create index segment_member_deleted_by_delete_time on segment_member (tenant_id, delete_time, id)
    where delete_time is not null;

  create index segment_member_by_segment on segment_member (tenant_id, segment_id) where segment_id is not null;

  create index segment_member_by_customer on segment_member (tenant_id, customer_id) where customer_id is not null;

  create index segment_member_by_index_version on segment_member (index_version);

  alter table segment_member enable row level security;
  alter table segment_member force row level security;
  create policy tenant_isolation on segment_member
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on segment_member
    referencing old table as old_row for each statement execute function end_associations();

  -- Whether the transaction sees the customer, as sees_deal does for a deal.
  create function sees_customer_of_member(of_customer uuid) returns boolean language plpgsql stable cost 1 as $$
  begin
    return exists (select from customer
      where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and id = of_customer);
  end $$;

  create policy record_scope on segment_member as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or sees_customer_of_member(customer_id));
`;
