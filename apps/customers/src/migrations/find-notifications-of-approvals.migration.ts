import { Migration } from '@mikro-orm/migrations';

/** Unread notifications of an approval are found by its id when they end. */
export class FindNotificationsOfApprovals extends Migration {
  override name = 'find-notifications-of-approvals';

  override up(): void {
    this.addSql(`
      create index notification_of_approval on notification (tenant_id, record_id)
        where kind = 'APPROVAL_REQUESTED' and read_time is null;
    `);
  }
}
