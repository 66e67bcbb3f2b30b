import type { EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type {
  NotificationDigest,
  NotificationPreferences,
  UpdateNotificationPreferencesRequest,
} from '@rapport/contracts/rapport/work/v1/notifications_service';
import { arrayLiteral, queryRows, transactionPipeline } from '@rapport/persistence';
import { invalidArgument } from '@rapport/platform';
import type { NoticeKind } from '../../engine/fields/record-definition.js';
import { workspaceTimeZone } from '../../engine/query/workspace-time-zone.js';
import { checkedDigest, digestStatements, type StoredDigest } from './daily-digest.js';
import { recipient } from './read-notifications.js';

type KindField = Exclude<keyof NotificationPreferences, 'digest'>;

/** The kind that each preference is about. */
const kinds: Readonly<Record<KindField, NoticeKind>> = {
  assigned: 'ASSIGNED',
  mentioned: 'MENTIONED',
  due: 'DUE',
  reminder: 'REMINDER',
  operationFailed: 'OPERATION_FAILED',
  customerMessage: 'CUSTOMER_MESSAGE',
  statusChanged: 'STATUS_CHANGED',
  approvalRequested: 'APPROVAL_REQUESTED',
};
const fields = [...(Object.keys(kinds) as KindField[]), 'digest' as const];

const updatable: Updatable<keyof NotificationPreferences> = {
  ...{ name: 'preferences', noun: 'the preferences', fields, fixed: {} },
};

/** What is stored of the preferences. */
interface StoredPreferences {
  muted: readonly NoticeKind[];
  digest: StoredDigest | null;
}

export async function getPreferences(em: EntityManager): Promise<NotificationPreferences> {
  return preferencesOf(await readStored(em, ''));
}

/** Handles UpdateNotificationPreferences. Runs in a transaction. */
export async function updatePreferences(
  em: EntityManager,
  { preferences, updateMask }: UpdateNotificationPreferencesRequest,
): Promise<NotificationPreferences> {
  if (!preferences) throw invalidArgument([{ field: 'preferences', reason: 'REQUIRED', description: 'is required' }]);
  const mask = readMask(updateMask, updatable);
  const { tenantId, userId } = recipient();
  const digest = mask.includes('digest') ? { changed: checkedDigest(preferences.digest) } : undefined;
  await transactionPipeline(em, [
    {
      name: 'ensure_notification_inbox',
      sql: `insert into notification_inbox (tenant_id, user_id) values ($1, $2) on conflict do nothing`,
      values: [tenantId, userId],
    },
    ...(digest ? digestStatements({ tenantId, userId }, digest.changed, await workspaceTimeZone(em)) : []),
  ]);
  const before = await readStored(em, 'for update');
  const named = mask.flatMap((field) => (field === 'digest' ? [] : [field]));
  const muted = named.filter((field) => preferences[field]?.inApp === false).map((field) => kinds[field]);
  const kept = before.muted.filter((kind) => !named.some((field) => kinds[field] === kind));
  const after = { ...before, muted: [...kept, ...muted] };
  await transactionPipeline(em, [
    {
      name: 'mute_notifications',
      sql: 'update notification_inbox set muted_kinds = $3::text[] where tenant_id = $1 and user_id = $2',
      values: [tenantId, userId, arrayLiteral(after.muted)],
    },
  ]);
  return preferencesOf(after);
}

async function readStored(em: EntityManager, lock: '' | 'for update'): Promise<StoredPreferences> {
  const { tenantId, userId } = recipient();
  const [row] = await queryRows<{ muted: NoticeKind[]; hour: number | null; zone: string | null }>(em, {
    name: lock === '' ? 'notification_preferences' : 'lock_notification_preferences',
    sql: `select to_json(muted_kinds) as muted, digest_hour as hour, digest_time_zone as zone
      from notification_inbox where tenant_id = $1 and user_id = $2 ${lock}`,
    values: [tenantId, userId],
  });
  const { muted = [], hour = null, zone: timeZone = null } = row ?? {};
  return { muted, digest: hour === null ? null : { hour, timeZone } };
}

function preferencesOf({ muted, digest }: StoredPreferences): NotificationPreferences {
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
    digest: digest ? digestMessage(digest) : undefined,
  };
}

function digestMessage({ hour, timeZone }: StoredDigest): NotificationDigest {
  return { hour, timeZone: timeZone ?? undefined };
}
