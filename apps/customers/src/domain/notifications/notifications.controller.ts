import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  NotificationsServiceService as Methods,
  type DeleteNotificationRequest,
  type GetNotificationRequest,
  type ListNotificationsRequest,
  type ListNotificationsResponse,
  type MarkAllNotificationsReadRequest,
  type MarkNotificationReadRequest,
  type MarkNotificationUnreadRequest,
  type Notification,
  type NotificationCount,
  type NotificationPreferences,
  type NotificationsServiceServer,
  type NotifyApproversRequest,
  type UpdateNotificationPreferencesRequest,
  type WatchNotificationsRequest,
  type WatchNotificationsResponse,
} from '@rapport/contracts/rapport/work/v1/notifications_service';
import { PageTokenKey, tenantSession } from '@rapport/persistence';
import { requireSync } from '@rapport/platform';
import { Watchers } from '../../engine/pace/watchers.js';
import { writeCall } from '../../engine/records/write-call.js';
import { deleteNotification, getNotification, markAllRead, markRead, markUnread } from './mark-notifications.js';
import { notifyApprovers } from './notify-approvers.js';
import { getPreferences, updatePreferences } from './preferences.js';
import { countNotifications, listNotifications } from './read-notifications.js';
import { watchNotifications } from './watch-notifications.js';

@Controller()
@ImplementsService(Methods)
export class NotificationsController extends Watchers implements ServiceHandlers<NotificationsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
  ) {
    super('notifications');
  }

  listNotifications(request: ListNotificationsRequest): Promise<ListNotificationsResponse> {
    return listNotifications(this.em, this.pageTokenKey, request);
  }

  getNotification({ id }: GetNotificationRequest): Promise<Notification> {
    return getNotification(this.em, id);
  }

  countNotifications(): Promise<NotificationCount> {
    return countNotifications(this.em);
  }

  watchNotifications(request: WatchNotificationsRequest): AsyncIterable<WatchNotificationsResponse> {
    return this.stream((watch) => watchNotifications(this.em, request, watch));
  }

  markNotificationRead({ id }: MarkNotificationReadRequest): Promise<Notification> {
    return markRead(this.em, id);
  }

  markNotificationUnread({ id }: MarkNotificationUnreadRequest): Promise<Notification> {
    return markUnread(this.em, id);
  }

  markAllNotificationsRead({ seen }: MarkAllNotificationsReadRequest): Promise<NotificationCount> {
    return markAllRead(this.em, seen?.upToPosition ?? 0);
  }

  async deleteNotification({ id }: DeleteNotificationRequest): Promise<Empty> {
    await deleteNotification(this.em, id);
    return {};
  }

  getNotificationPreferences(): Promise<NotificationPreferences> {
    return getPreferences(this.em);
  }

  updateNotificationPreferences(request: UpdateNotificationPreferencesRequest): Promise<NotificationPreferences> {
    return writeCall(this.em, Methods.updateNotificationPreferences, request, (em) => updatePreferences(em, request));
  }

  async notifyApprovers(request: NotifyApproversRequest): Promise<Empty> {
    // No other service has approvals.
    requireSync();
    await notifyApprovers(this.em.fork({ session: tenantSession(request.tenantId) }), request);
    return {};
  }
}
