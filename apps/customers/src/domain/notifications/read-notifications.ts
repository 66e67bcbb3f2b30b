import type { EntityManager } from '@mikro-orm/postgresql';
import {
  NotificationKind,
  type ListNotificationsRequest,
  type ListNotificationsResponse,
  type Notification,
  type NotificationCount,
} from '@rapport/contracts/rapport/work/v1/notifications_service';
import { queryRows, readPageToken, signPageToken, type PageTokenKey } from '@rapport/persistence';
import { AppError, currentCaller, ownerIdOf, seesSomeOnly } from '@rapport/platform';
import { permissionOf } from '../../engine/fields/record-names.js';
import { recordTypes } from '../../engine/fields/record-type.js';
import { kept } from '../../engine/records/notices.js';
import { titlesOf } from '../timeline/read-summaries.js';

const defaultPageSize = 20;

/** The highest count of unread notifications: it stands for more, too. */
const maxCount = 100;

/** A stored notification. */
export interface NotificationRow {
  id: string;
  position: number;
  kind: keyof typeof NotificationKind;
  time: string;
  record_type: string;
  record_id: string;
  record_version: number | null;
  actor: string | null;
  read_time: string | null;
}

/** For `select` and `returning`. */
export const notificationColumns = `id, position, kind, record_type, record_id, record_version, actor,
  to_json(time at time zone 'UTC')#>>'{}' || 'Z' as time, to_json(read_time at time zone 'UTC')#>>'{}' || 'Z' as read_time`;

/** Retention holds for reads at once, although old rows are removed later. */
export const isKept = `time > now() - interval '${kept.days} days'`;

/**
 * The caller as a recipient.
 *
 * @throws AppError PERMISSION_DENIED USER_NEEDED
 */
export function recipient(): { tenantId: string; userId: string } {
  const { tenantId, principalId } = currentCaller();
  const userId = ownerIdOf(principalId);
  if (userId !== undefined) return { tenantId, userId };
  throw new AppError('PERMISSION_DENIED', 'USER_NEEDED', 'Only users and API keys have notifications.');
}

/** Handles ListNotifications: the page before the position in the page token. */
export async function listNotifications(
  em: EntityManager,
  key: PageTokenKey,
  { kinds, unread, recordType, pageSize = defaultPageSize, pageToken }: ListNotificationsRequest,
): Promise<ListNotificationsResponse> {
  const { tenantId, userId } = recipient();
  const names = [...new Set(kinds)].map((kind) => NotificationKind[kind]).toSorted();
  const binding = JSON.stringify(['ListNotifications', tenantId, userId, names, unread ?? null, recordType ?? null]);
  const [before] = pageToken === undefined ? [] : readPageToken(key, binding, pageToken);
  const rows = await queryRows<NotificationRow>(em, {
    name: 'list_notifications',
    sql: `select ${notificationColumns} from notification
      where tenant_id = $1 and user_id = $2 and ${isKept} and position < $3
        and ($4::text[] is null or kind = any ($4)) and ($5::boolean is null or (read_time is null) = $5)
        and ($6::text is null or record_type = $6)
      order by position desc limit $7`,
    values: [
      ...[tenantId, userId, before ?? 2_147_483_647, names.length > 0 ? names : null, unread ?? null],
      ...[recordType ?? null, pageSize + 1],
    ],
  });
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    notifications: await notificationMessages(em, page),
    nextPageToken: last && signPageToken(key, binding, [String(last.position)]),
  };
}

/** @throws AppError NOT_FOUND */
export async function found(em: EntityManager, [row]: readonly NotificationRow[]): Promise<Notification> {
  if (!row) throw new AppError('NOT_FOUND', 'NOTIFICATION_NOT_FOUND', 'There is no such notification.');
  const [message] = await notificationMessages(em, [row]);
  return message!;
}

/** Handles CountNotifications. */
export async function countNotifications(em: EntityManager): Promise<NotificationCount> {
  const { tenantId, userId } = recipient();
  const [row] = await queryRows<{ unread: number; newest: number }>(em, {
    name: 'count_notifications',
    sql: `select (select count(*)::int from (select from notification
        where tenant_id = $1 and user_id = $2 and read_time is null and ${isKept} limit $3) unread) as unread,
      coalesce((select last_position from notification_inbox where tenant_id = $1 and user_id = $2), 0) as newest`,
    values: [tenantId, userId, maxCount],
  });
  return { unread: row?.unread ?? 0, newestPosition: row?.newest ?? 0 };
}

/** Notifications with the records that the caller can see. The records of a type are read together. */
export async function notificationMessages(
  em: EntityManager,
  rows: readonly NotificationRow[],
): Promise<Notification[]> {
  const titles = new Map<string, string | undefined>();
  for (const [type, own] of Map.groupBy(rows, ({ record_type }) => record_type)) {
    const ids = [...new Set(own.map(({ record_id }) => record_id))];
    for (const [id, title] of await readableRecords(em, type, ids)) titles.set(id, title);
  }
  return rows.map(({ id, kind, time, position, read_time, record_type, ...row }) => ({
    ...{ id, kind: NotificationKind[kind], time, position, readTime: read_time ?? undefined, recordType: record_type },
    ...(titles.has(row.record_id) ? seen(row, titles.get(row.record_id)) : unseen),
  }));
}

type RecordPart = Pick<Notification, 'recordId' | 'title' | 'actor' | 'version'>;

const unseen: RecordPart = { recordId: undefined, title: undefined, actor: undefined, version: undefined };

function seen(
  { record_id, actor, record_version }: Pick<NotificationRow, 'record_id' | 'actor' | 'record_version'>,
  title: string | undefined,
): RecordPart {
  return { recordId: record_id, title, actor: actor ?? undefined, version: record_version ?? undefined };
}

/** The records of a type that the caller can see, with their titles. */
async function readableRecords(
  em: EntityManager,
  singular: string,
  ids: readonly string[],
): Promise<[id: string, title: string | undefined][]> {
  const { permissions } = currentCaller();
  if (singular === 'operation') {
    // As in OperationsService, which refuses narrow scopes.
    return permissions.includes('customers.read') && !seesSomeOnly() ? ids.map((id) => [id, undefined]) : [];
  }
  // Sync holds approvals, which their approvers can read.
  if (singular === 'approval') return permissions.includes('approvals.read') ? ids.map((id) => [id, undefined]) : [];
  const type = [...recordTypes()].find((each) => each.singular === singular);
  return type && permissions.includes(permissionOf(type, 'read')) ? titlesOf(em, type.table, ids) : [];
}
