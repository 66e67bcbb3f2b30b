import type { EntityManager } from '@mikro-orm/postgresql';
import type { Notification, NotificationCount } from '@rapport/contracts/rapport/work/v1/notifications_service';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import {
  countNotifications,
  found,
  isKept,
  notificationColumns,
  recipient,
  type NotificationRow,
} from './read-notifications.js';

const isOwn = `tenant_id = $1 and user_id = $2 and id = $3 and ${isKept}`;

export async function getNotification(em: EntityManager, id: string): Promise<Notification> {
  const { tenantId, userId } = recipient();
  const sql = `select ${notificationColumns} from notification where ${isOwn}`;
  return found(em, await queryRows(em, { name: 'get_notification', sql, values: [tenantId, userId, id] }));
}

/** Changes one notification of the caller. */
async function change(em: EntityManager, name: string, sql: string, id: string): Promise<Notification> {
  const { tenantId, userId } = recipient();
  return em.transactional(async (transaction) => {
    const [rows = []] = await transactionPipeline(transaction, [{ name, sql, values: [tenantId, userId, id] }]);
    return found(transaction, rows as NotificationRow[]);
  });
}

export function markRead(em: EntityManager, id: string): Promise<Notification> {
  const set = 'read_time = coalesce(read_time, clock_timestamp())';
  const sql = `update notification set ${set} where ${isOwn} returning ${notificationColumns}`;
  return change(em, 'mark_notification_read', sql, id);
}

export function markUnread(em: EntityManager, id: string): Promise<Notification> {
  const sql = `update notification set read_time = null where ${isOwn} returning ${notificationColumns}`;
  return change(em, 'mark_notification_unread', sql, id);
}

export async function deleteNotification(em: EntityManager, id: string): Promise<void> {
  const sql = `delete from notification where ${isOwn} returning ${notificationColumns}`;
  await change(em, 'delete_notification', sql, id);
}

/** Handles MarkAllNotificationsRead. */
export async function markAllRead(em: EntityManager, position: number): Promise<NotificationCount> {
  const { tenantId, userId } = recipient();
  return em.transactional(async (transaction) => {
    const sql = `update notification set read_time = clock_timestamp()
      where tenant_id = $1 and user_id = $2 and read_time is null and position <= $3`;
    await transactionPipeline(transaction, [
      { name: 'mark_all_notifications_read', sql, values: [tenantId, userId, position] },
    ]);
    return countNotifications(transaction);
  });
}
