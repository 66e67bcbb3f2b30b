import { dayAt, momentOf, startOfDayMs } from '@rapport/contracts/filters';
import type { NotificationDigest } from '@rapport/contracts/rapport/work/v1/notifications_service';
import {
  cancelStatement,
  queryRows,
  setTimer,
  timerStatement,
  transactionPipeline,
  type TimerHandler,
  type TransactionStatement,
} from '@rapport/persistence';
import { currentCaller, invalidArgument, invalidField, knownTimeZone, localeViolations } from '@rapport/platform';
import { defaultTimeZone } from '../../engine/query/workspace-time-zone.js';
import { isKept } from './read-notifications.js';

/** Kind of the timers of digests. */
export const digestKind = 'notification.digest';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The digest of a user, as it is stored. */
export interface StoredDigest {
  hour: number;
  /** Null for that of the workspace. */
  timeZone: string | null;
}

/**
 * The digest of a request. Null turns it off.
 *
 * @throws AppError INVALID_ARGUMENT for an unknown zone, and for a caller that is no user
 */
export function checkedDigest(digest: NotificationDigest | undefined): StoredDigest | null {
  if (!digest) return null;
  const { hour = 8, timeZone } = digest;
  if (!currentCaller().principalId.startsWith('user:')) {
    throw invalidField('preferences.digest', 'NOT_ALLOWED', 'must be absent, since only users have e-mail addresses');
  }
  const violations = localeViolations('preferences.digest', { timeZone });
  if (violations.length > 0) throw invalidArgument(violations);
  return { hour, timeZone: (timeZone && knownTimeZone(timeZone)) ?? null };
}

/** The statements that set the digest of a user whose inbox exists. The first digest has what comes from now on. */
export function digestStatements(
  target: { tenantId: string; userId: string },
  digest: StoredDigest | null,
  workspaceZone: string,
): TransactionStatement[] {
  const { tenantId, userId } = target;
  const timer = timerOf(target);
  // Timers and jobs are locked before the inbox, as workers do.
  return [
    ...(digest
      ? [timerStatement({ ...timer, dueTime: nextDigest(digest.hour, digest.timeZone ?? workspaceZone, new Date()) })]
      : [cancelStatement(timer), endJob(tenantId, userId)]),
    {
      name: 'set_digest',
      sql: `update notification_inbox set digest_hour = $3::int, digest_time_zone = $4,
          digest_position = case when digest_hour is null then last_position else digest_position end
        where tenant_id = $1 and user_id = $2`,
      values: [tenantId, userId, digest?.hour ?? null, digest?.timeZone ?? null],
    },
  ];
}

function endJob(tenantId: string, userId: string): TransactionStatement {
  return {
    name: 'end_digest_job',
    sql: `delete from mail_job where tenant_id = $1 and message_id = $2 and kind = 'DIGEST'`,
    values: [tenantId, userId],
  };
}

function timerOf({ tenantId, userId }: { tenantId: string; userId: string }) {
  return { tenantId, recordType: 'user', recordId: userId, kind: digestKind, purpose: 'daily' };
}

/**
 * The first time after another one at which an hour begins in a zone. On days when a clock change skips the hour or repeats
 * it, so many hours after the day has begun.
 */
export function nextDigest(hour: number, timeZone: string, after: Date): Date {
  const local = `T${String(hour).padStart(2, '0')}:00:00`;
  for (let day = dayAt(after, timeZone); ; day = dayAfter(day)) {
    const moment = momentOf(day + local, timeZone);
    const ms = moment === undefined ? startOfDayMs(day, timeZone) + hour * hourMs : Date.parse(moment);
    if (ms > after.getTime()) return new Date(ms);
  }
}

function dayAfter(day: string): string {
  return new Date(Date.parse(day) + dayMs).toISOString().slice(0, 10);
}

/**
 * Queues the digest of a user with unread notifications, if a mailbox can send, and sets the timer of the next day. What an
 * outage has delayed by days is one digest.
 */
export const queueDigest: TimerHandler = async (em, { tenantId, recordId: userId, dueTime }) => {
  const [inbox] = await queryRows<{ hour: number; zone: string }>(em, {
    name: 'digest_that_is_due',
    sql: `select digest_hour as hour, coalesce(digest_time_zone, settings.time_zone, '${defaultTimeZone}') as zone
      from notification_inbox left join workspace_settings settings using (tenant_id)
      where tenant_id = $1 and user_id = $2 and digest_hour is not null`,
    values: [tenantId, userId],
  });
  if (!inbox) return;
  const next = nextDigest(inbox.hour, inbox.zone, new Date(Math.max(dueTime.getTime(), Date.now())));
  await setTimer(em, { ...timerOf({ tenantId, userId }), dueTime: next });
  await transactionPipeline(em, [{ name: 'queue_digest', sql: queue, values: [tenantId, userId] }]);
};

const queue = `
  insert into mail_job (tenant_id, message_id, kind, mailbox_id)
  select $1, $2, 'DIGEST', sender.mailbox_id
  from notification_inbox inbox cross join lateral (
    select mailbox_id from mail_address where tenant_id = $1 and can_send order by is_default desc, mailbox_id limit 1) sender
  where inbox.tenant_id = $1 and inbox.user_id = $2 and exists (select from notification
    where tenant_id = $1 and user_id = $2 and read_time is null and position > inbox.digest_position and ${isKept})
  on conflict (tenant_id, message_id) do update
    set mailbox_id = excluded.mailbox_id, due_time = null, lease_end_time = null
    where mail_job.kind = 'DIGEST' and (mail_job.lease_end_time is null or mail_job.lease_end_time <= rapport_clock())`;
