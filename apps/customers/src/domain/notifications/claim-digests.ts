import { randomUUID } from 'node:crypto';
import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import type {
  ClaimDigestsRequest,
  ClaimDigestsResponse,
  SettleDigestsRequest,
} from '@rapport/contracts/rapport/work/v1/digest_outbox_service';
import type { StatementTransaction } from '@rapport/persistence';
import { automaticHeaders } from '../messages/claim-messages.js';
import { messageDomain, readMailAddresses } from '../messages/mail-addresses.js';

const defaultLimit = 50;
const defaultLeaseSeconds = 120;

/** A worker that has died may have sent its digests: they end, and their notifications are in no other one. */
const endLeases = `delete from mail_job where tenant_id = $1 and message_id = any (array(
    select message_id from mail_job where tenant_id = $1 and kind = 'DIGEST' and lease_end_time <= rapport_clock()
    order by message_id limit 200 for update skip locked))`;

const lease = `
  with taken as (
    select message_id from mail_job
    where tenant_id = $1 and kind = 'DIGEST' and mailbox_id = any ($2::uuid[]) and lease_end_time is null
      and (due_time is null or due_time <= rapport_clock())
    order by message_id limit $3 for update skip locked)
  update mail_job set attempts = attempts + 1, lease_end_time = rapport_clock() + $4 * interval '1 second'
  from taken where tenant_id = $1 and mail_job.message_id = taken.message_id
  returning mail_job.message_id as "userId", mailbox_id as "mailboxId", attempts as attempt,
    to_char(lease_end_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "leaseEndTime"`;

const take = `
  with before as (
    select user_id, digest_position from notification_inbox where tenant_id = $1 and user_id = any ($2::uuid[])
    order by user_id for update)
  update notification_inbox set digest_position = last_position from before
  where tenant_id = $1 and notification_inbox.user_id = before.user_id
  returning notification_inbox.user_id as "userId", before.digest_position as after, last_position as "upTo"`;

interface Leased {
  userId: string;
  mailboxId: string;
  attempt: number;
  leaseEndTime: string;
}

/** Handles ClaimDigests. A claim is committed before its answer leaves: without the answer, its digests are lost. */
export async function claimDigests(
  transaction: StatementTransaction,
  consoleUrl: string,
  { tenantId, mailboxIds, limit = defaultLimit, leaseSeconds = defaultLeaseSeconds }: ClaimDigestsRequest,
): Promise<ClaimDigestsResponse> {
  const [, leased = []] = await transaction.run(
    { name: 'end_digest_leases', sql: endLeases, values: [tenantId] },
    { name: 'lease_digests', sql: lease, values: [tenantId, mailboxIds, limit, leaseSeconds] },
  );
  const jobs = leased as Leased[];
  if (jobs.length === 0) return { digests: [], locale: '', consoleUrl };
  const [taken = [], settings = []] = await transaction.run(
    { name: 'take_digests', sql: take, values: [tenantId, jobs.map(({ userId }) => userId)] },
    {
      name: 'locale_of_digests',
      sql: 'select locale from workspace_settings where tenant_id = $1',
      values: [tenantId],
    },
  );
  const ranges = new Map((taken as { userId: string; after: number; upTo: number }[]).map((row) => [row.userId, row]));
  const mailboxes = new Map((await readMailAddresses(transaction)).map((each) => [each.mailboxId, each]));
  const digests = jobs.map(({ userId, mailboxId, attempt, leaseEndTime }) => {
    const [range, mailbox] = [ranges.get(userId), mailboxes.get(mailboxId)];
    if (!range || !mailbox) throw new Error(`The digest of ${userId} has no inbox, or its mailbox no address.`);
    return {
      ...{ userId, attempt, leaseEndTime, afterPosition: range.after, upToPosition: range.upTo },
      ...{ fromAddress: mailbox.address, fromName: mailbox.name ?? undefined },
      internetMessageId: `${randomUUID()}@${messageDomain(mailbox)}`,
      headers: automaticHeaders('auto-generated'),
    };
  });
  return { digests, locale: (settings[0] as { locale: string } | undefined)?.locale ?? '', consoleUrl };
}

/** Handles SettleDigests. The outcome of another claim than the last one finds no job. */
export async function settleDigests(
  transaction: StatementTransaction,
  { tenantId, items }: SettleDigestsRequest,
): Promise<void> {
  const [ended, deferred] = [false, true].map((wanted) =>
    items
      .filter(({ outcome }) => (outcome === MailOutcome.DEFERRED) === wanted)
      .toSorted((left, right) => (left.userId < right.userId ? -1 : 1)),
  );
  await transaction.run(
    {
      name: 'end_digests',
      sql: `delete from mail_job using unnest($2::uuid[], $3::int[]) as given (id, attempt)
        where tenant_id = $1 and message_id = given.id and kind = 'DIGEST' and attempts = given.attempt
          and lease_end_time is not null`,
      values: [tenantId, ended!.map(({ userId }) => userId), ended!.map(({ attempt }) => attempt)],
    },
    {
      name: 'defer_digests',
      sql: `with given as (
          select * from unnest($2::uuid[], $3::int[], $4::int[], $5::int[]) as given (id, attempt, position, seconds)),
        released as (
          update mail_job set lease_end_time = null,
            due_time = case when seconds > 0 then rapport_clock() + seconds * interval '1 second' end
          from given where tenant_id = $1 and message_id = given.id and kind = 'DIGEST' and attempts = given.attempt
            and lease_end_time is not null
          returning given.id, given.position)
        update notification_inbox set digest_position = released.position from released
        where tenant_id = $1 and user_id = released.id`,
      values: [
        ...[tenantId, deferred!.map(({ userId }) => userId), deferred!.map(({ attempt }) => attempt)],
        ...[deferred!.map(({ afterPosition }) => afterPosition), deferred!.map((item) => item.deferSeconds ?? 0)],
      ],
    },
  );
}
