import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  NotificationCount,
  WatchNotificationsRequest,
  WatchNotificationsResponse,
} from '@rapport/contracts/rapport/work/v1/notifications_service';
import { queryRows, refusalOf } from '@rapport/persistence';
import type { Watch } from '../../engine/pace/watchers.js';
import {
  countNotifications,
  isKept,
  notificationColumns,
  notificationMessages,
  recipient,
  type NotificationRow,
} from './read-notifications.js';

/** Notifications per read. */
const batchSize = 100;

/**
 * Handles WatchNotifications. Positions follow the order of commits, so that what comes after a cursor is all that the
 * reader lacks.
 */
export async function* watchNotifications(
  em: EntityManager,
  { cursor }: WatchNotificationsRequest,
  { end, nextPoll }: Watch,
): AsyncGenerator<WatchNotificationsResponse, void> {
  let count = await countNotifications(em);
  let position = cursor === undefined ? count.newestPosition : Number(cursor);
  yield { notification: undefined, count, cursor: String(position) };
  while (!end.aborted) {
    const now = await poll(em, position);
    for (const notification of now?.notifications ?? []) {
      position = notification.position;
      yield { notification, count: now!.count, cursor: String(position) };
    }
    if (now?.notifications.length === 0 && now.count.unread !== count.unread) {
      yield { notification: undefined, count: now.count, cursor: String(position) };
    }
    count = now?.count ?? count;
    if (now?.notifications.length !== batchSize) await nextPoll();
  }
}

/** Undefined while all connections of the tenant are in use: the next poll may get one. */
async function poll(em: EntityManager, position: number) {
  try {
    const count: NotificationCount = await countNotifications(em);
    const rows = count.newestPosition > position ? await rowsAfter(em, position) : [];
    return { count, notifications: await notificationMessages(em, rows) };
  } catch (error) {
    if (!refusalOf(error)) throw error;
    return undefined;
  }
}

function rowsAfter(em: EntityManager, position: number): Promise<NotificationRow[]> {
  const { tenantId, userId } = recipient();
  return queryRows<NotificationRow>(em, {
    name: 'watch_notifications',
    sql: `select ${notificationColumns} from notification
      where tenant_id = $1 and user_id = $2 and position > $3 and ${isKept} order by position limit $4`,
    values: [tenantId, userId, position, batchSize],
  });
}
