import type { EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type {
  NotificationPreferences,
  UpdateNotificationPreferencesRequest,
} from '@rapport/contracts/rapport/work/v1/notifications_service';
import { arrayLiteral, queryRows, transactionPipeline } from '@rapport/persistence';
import { invalidArgument } from '@rapport/platform';
import type { NoticeKind } from '../../engine/fields/record-definition.js';
import { recipient } from './read-notifications.js';

/** The kind that each preference is about. */
const kinds: Readonly<Record<keyof NotificationPreferences, NoticeKind>> = {
  assigned: 'ASSIGNED',
  mentioned: 'MENTIONED',
  due: 'DUE',
  reminder: 'REMINDER',
  operationFailed: 'OPERATION_FAILED',
  customerMessage: 'CUSTOMER_MESSAGE',
  statusChanged: 'STATUS_CHANGED',
  approvalRequested: 'APPROVAL_REQUESTED',
};
const fields = Object.keys(kinds) as (keyof NotificationPreferences)[];

const updatable: Updatable<keyof NotificationPreferences> = {
  ...{ name: 'preferences', noun: 'the preferences', fields, fixed: {} },
};

export async function getPreferences(em: EntityManager): Promise<NotificationPreferences> {
  return preferencesOf(await mutedKinds(em, ''));
}

/** Handles UpdateNotificationPreferences. Runs in a transaction. */
export async function updatePreferences(
  em: EntityManager,
  { preferences, updateMask }: UpdateNotificationPreferencesRequest,
): Promise<NotificationPreferences> {
  if (!preferences) throw invalidArgument([{ field: 'preferences', reason: 'REQUIRED', description: 'is required' }]);
  const mask = readMask(updateMask, updatable);
  const { tenantId, userId } = recipient();
  await transactionPipeline(em, [
    {
      name: 'ensure_notification_inbox',
      sql: `insert into notification_inbox (tenant_id, user_id) values ($1, $2) on conflict do nothing`,
      values: [tenantId, userId],
    },
  ]);
  const before = await mutedKinds(em, 'for update');
  const named = mask.map((field) => kinds[field]);
  const muted = mask.filter((field) => preferences[field]?.inApp === false).map((field) => kinds[field]);
  const after = [...before.filter((kind) => !named.includes(kind)), ...muted];
  await transactionPipeline(em, [
    {
      name: 'mute_notifications',
      sql: 'update notification_inbox set muted_kinds = $3::text[] where tenant_id = $1 and user_id = $2',
      values: [tenantId, userId, arrayLiteral(after)],
    },
  ]);
  return preferencesOf(after);
}

async function mutedKinds(em: EntityManager, lock: '' | 'for update'): Promise<readonly NoticeKind[]> {
  const { tenantId, userId } = recipient();
  const [row] = await queryRows<{ muted: NoticeKind[] }>(em, {
    name: lock === '' ? 'muted_notifications' : 'lock_muted_notifications',
    sql: `select to_json(muted_kinds) as muted from notification_inbox where tenant_id = $1 and user_id = $2 ${lock}`,
    values: [tenantId, userId],
  });
  return row?.muted ?? [];
}

function preferencesOf(muted: readonly NoticeKind[]): NotificationPreferences {
  const channels = (kind: NoticeKind) => ({ inApp: !muted.includes(kind) });
  return {
    assigned: channels(kinds.assigned),
    mentioned: channels(kinds.mentioned),
    due: channels(kinds.due),
    reminder: channels(kinds.reminder),
    operationFailed: channels(kinds.operationFailed),
    customerMessage: channels(kinds.customerMessage),
    statusChanged: channels(kinds.statusChanged),
    approvalRequested: channels(kinds.approvalRequested),
  };
}
