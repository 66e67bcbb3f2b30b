import { Migration } from '@mikro-orm/migrations';

/** Approvals whose approvers are to be notified, or not any more. */
export class NotifyApprovers extends Migration {
  override name = 'notify-approvers';

  override up(): void {
    this.addSql(`
      -- Not bound to a tenant: the workers of all look in it. It holds ids and times only.
      create table flow_notice (
        approval_id uuid not null primary key,
        tenant_id uuid not null,
        -- Counts changes of the approval, so that none is lost while the one before is reported.
        revision int not null default 1,
        due_time timestamptz(3) not null default clock_timestamp()
      );
      create index flow_notice_by_due on flow_notice (due_time);
      create index flow_notice_by_tenant on flow_notice (tenant_id);
    `);
  }
}
