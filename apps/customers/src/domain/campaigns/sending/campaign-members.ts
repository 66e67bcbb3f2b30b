import { RecipientState } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { changeRecipients } from '../stored-recipients.js';

/** Why a recipient is UNKNOWN. A late outcome replaces it. */
export const leaseEnded = 'LEASE_ENDED';

/** Most ended leases that one call ends. */
const maxEnded = 500;

/** A member that is due, and locked. */
export interface TakenMember {
  recipientId: string;
  /** Absent until the test of its campaign is decided. */
  variantKey: string | null;
  /** In hexadecimal. */
  addressHash: string | null;
}

/** Locks members that are due, those outside of the test last. */
export function takeMembers(
  transaction: StatementTransaction,
  {
    campaignId,
    limit,
    skippedDomains,
    isDecided,
  }: { campaignId: string; limit: number; skippedDomains: readonly string[]; isDecided: boolean },
): Promise<TakenMember[]> {
  return transaction.rows<TakenMember>({
    name: 'take_campaign_members',
    sql: `select recipient_id as "recipientId", variant_key as "variantKey", encode(address_hash, 'hex') as "addressHash"
      from campaign_member
      where tenant_id = $1 and campaign_id = $2 and is_queued and lease_end_time is null and due_time <= rapport_clock()
        and is_held = any (case when $3 then array[false, true] else array[false] end)
        and ($4::text[] = '{}' or domain is null or domain <> all ($4))
      order by is_held, due_time, order_key limit $5 for update skip locked`,
    values: [currentCaller().tenantId, campaignId, isDecided, [...skippedDomains], limit],
  });
}

export interface Lease {
  attempt: number;
  leaseEndTime: string;
}

/** Leases claimed members. */
export async function storeClaims(
  transaction: StatementTransaction,
  claimed: readonly { member: TakenMember; variantKey: string }[],
  { leaseSeconds, isBegun }: { leaseSeconds: number; isBegun: boolean },
): Promise<Map<string, Lease>> {
  if (claimed.length === 0) return new Map();
  const rows = await transaction.rows<Lease & { id: string }>({
    name: 'lease_campaign_members',
    sql: `update campaign_member member set attempt = attempt + 1, is_begun = $3, variant_key = claimed.variant_key,
        lease_end_time = rapport_clock() + $4 * interval '1 second'
      from jsonb_to_recordset($2) as claimed (id uuid, variant_key text)
      where member.tenant_id = $1 and member.recipient_id = claimed.id
      returning recipient_id as id, attempt,
        to_char(lease_end_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "leaseEndTime"`,
    values: [
      currentCaller().tenantId,
      JSON.stringify(claimed.map(({ member, variantKey }) => ({ id: member.recipientId, variant_key: variantKey }))),
      isBegun,
      leaseSeconds,
    ],
  });
  return new Map(rows.map(({ id, ...lease }) => [id, lease]));
}

/** Ends the work on members, or puts it off to a time. */
export function releaseMembers(
  released: readonly { recipient_id: string; due_time?: string | undefined }[],
): TransactionStatement {
  return {
    name: 'release_campaign_members',
    sql: `update campaign_member member set lease_end_time = null, is_begun = false,
        is_queued = released.due_time is not null, due_time = coalesce(released.due_time, member.due_time)
      from jsonb_to_recordset($2) as released (recipient_id uuid, due_time timestamptz)
      where member.tenant_id = $1 and member.recipient_id = released.recipient_id`,
    values: [currentCaller().tenantId, JSON.stringify(released)],
  };
}

/** Ends leases that are over: what was begun is UNKNOWN, since it may have been sent, and the rest is planned again. */
export async function endLeases(transaction: StatementTransaction, campaignId: string): Promise<void> {
  const ended = await transaction.rows<{ id: string; isBegun: boolean; attempt: number; variantKey: string }>({
    name: 'end_campaign_leases',
    sql: `with ended as (
        select recipient_id, is_begun from campaign_member
        where tenant_id = $1 and campaign_id = $2 and lease_end_time <= rapport_clock()
        order by recipient_id limit ${maxEnded} for update skip locked)
      update campaign_member member set lease_end_time = null, is_begun = false, is_queued = not ended.is_begun from ended
      where member.tenant_id = $1 and member.recipient_id = ended.recipient_id
      returning ended.recipient_id as id, ended.is_begun as "isBegun", attempt, variant_key as "variantKey"`,
    values: [currentCaller().tenantId, campaignId],
  });
  const byId = new Map(ended.map((each) => [each.id, each]));
  await changeRecipients(transaction, [...byId.keys()], ({ id, state }) => {
    if (state !== RecipientState.CLAIMED) return undefined;
    const { isBegun, attempt: attempts, variantKey } = byId.get(id)!;
    if (!isBegun) return { state: RecipientState.PLANNED };
    return { state: RecipientState.UNKNOWN, reason: leaseEnded, attempts, variantKey };
  });
}
