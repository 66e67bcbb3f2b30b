import { AutomaticKind, MessageState, type Message } from '@rapport/contracts/rapport/content/v1/message';
import type {
  ClaimedMessage,
  ClaimMessagesRequest,
  ClaimMessagesResponse,
  MailHeader,
} from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { openBcc } from './blind-copies.js';
import { endJobs, leaseEnded } from './mail-jobs.js';
import type { MessageTopics } from './message-topics.js';
import { readMailAddresses, type MailAddress } from './mail-addresses.js';
import { heldMessages } from './held-messages.js';
import { tokenAddress } from './mail-tokens.js';
import { changeMessages, lockMessages } from './stored-messages.js';

const defaultLimit = 50;
const defaultLeaseSeconds = 120;

/** Most ended leases that one call ends. */
const maxEnded = 200;

/** Most characters of the messages of one answer, which is a message of gRPC. */
const maxCharacters = 8_000_000;

/**
 * Handles ClaimMessages. A claim is committed before its answer leaves, and is never undone: a worker without the answer has
 * lost the messages to UNKNOWN.
 */
export async function claimMessages(
  transaction: StatementTransaction,
  request: ClaimMessagesRequest,
  topics: MessageTopics,
): Promise<ClaimMessagesResponse> {
  await endLeases(transaction);
  const ids = await takeQueued(transaction, request, topics);
  const claimed = await changeMessages(transaction, ids, () => ({ state: MessageState.CLAIMED }));
  if (claimed.length === 0) return { messages: [] };
  const leases = await lease(transaction, ids, request.leaseSeconds ?? defaultLeaseSeconds);
  const mailboxes = new Map((await readMailAddresses(transaction)).map((each) => [each.mailboxId, each]));
  const messages: ClaimedMessage[] = [];
  for (const message of claimed) {
    const leased = leases.get(message.id);
    const topicKey = leased?.topic_key ?? undefined;
    const listHeaders = topicKey === undefined ? [] : await topics.listHeaders(transaction, message, topicKey);
    messages.push(await claimedMessage(message, leased, { mailboxes, listHeaders }));
  }
  return { messages };
}

/** Makes claims whose leases have ended UNKNOWN: their messages may have been sent. */
async function endLeases(transaction: StatementTransaction): Promise<void> {
  const ended = await transaction.rows<{ id: string }>({
    name: 'end_send_leases',
    sql: `delete from mail_job where tenant_id = $1 and message_id = any (array(
        select message_id from mail_job where tenant_id = $1 and kind = 'SEND' and lease_end_time <= rapport_clock()
        order by message_id limit ${maxEnded} for update skip locked))
      returning message_id as id`,
    values: [currentCaller().tenantId],
  });
  await changeMessages(
    transaction,
    ended.map(({ id }) => id),
    ({ state }) =>
      state === MessageState.CLAIMED ? { state: MessageState.UNKNOWN, stateReason: leaseEnded } : undefined,
  );
}

/** Ids of queued messages, locked, as many as fit into an answer. */
async function takeQueued(
  transaction: StatementTransaction,
  { mailboxIds, limit = defaultLimit }: ClaimMessagesRequest,
  topics: MessageTopics,
): Promise<string[]> {
  if (mailboxIds.length === 0) return [];
  const queued = await transaction.rows<{ id: string; isToUser: boolean }>({
    name: 'take_queued_messages',
    sql: `select message_id as id, exists (select from mail_envelope envelope where envelope.tenant_id = $1
          and envelope.message_id = mail_job.message_id and to_user_id is not null) as "isToUser"
      from mail_job where tenant_id = $1 and kind = 'SEND' and mailbox_id = any ($2::uuid[]) and lease_end_time is null
        and (due_time is null or due_time <= rapport_clock())
      order by message_id limit $3 for update skip locked`,
    values: [currentCaller().tenantId, mailboxIds, limit],
  });
  if (queued.length === 0) return [];
  const locked = await lockMessages(
    transaction,
    queued.map(({ id }) => id),
  );
  let characters = 0;
  const fitting = locked.filter(({ text = '', html = '' }, index) => {
    characters += text.length + html.length;
    return index === 0 || characters <= maxCharacters;
  });
  const toUsers = new Set(queued.filter(({ isToUser }) => isToUser).map(({ id }) => id));
  // An erasure takes the addresses and the text.
  const erased = fitting.filter(({ id, toAddresses, text }) =>
    toUsers.has(id) ? text === undefined : toAddresses.length === 0,
  );
  const reasons = await heldMessages(
    transaction,
    topics,
    fitting.filter((each) => !erased.includes(each)),
  );
  for (const { id } of erased) reasons.set(id, 'ERASED');
  await cancelHeld(transaction, reasons);
  return fitting.filter(({ id }) => !reasons.has(id)).map(({ id }) => id);
}

/** Ends messages that are not sent, such as those whose recipients were erased before a worker took them. */
async function cancelHeld(transaction: StatementTransaction, reasons: ReadonlyMap<string, string>): Promise<void> {
  if (reasons.size === 0) return;
  const ids = [...reasons.keys()];
  transaction.later(endJobs(ids.map((id) => ({ id }))));
  await changeMessages(transaction, ids, ({ id }) => ({
    state: MessageState.CANCELLED,
    stateReason: reasons.get(id),
  }));
}

interface Lease {
  message_id: string;
  attempt: number;
  bounce_token: string;
  bcc: string | null;
  topic_key: string | null;
  to_user_id: string | null;
  end_time: string;
}

async function lease(
  transaction: StatementTransaction,
  ids: readonly string[],
  seconds: number,
): Promise<Map<string, Lease>> {
  const rows = await transaction.rows<Lease>({
    name: 'lease_messages',
    sql: `with leased as (update mail_job set attempts = attempts + 1, lease_end_time = rapport_clock() + $3 * interval '1 second'
        where tenant_id = $1 and message_id = any ($2::uuid[]) returning message_id, lease_end_time)
      update mail_envelope envelope set attempt = attempt + 1 from leased
      where envelope.tenant_id = $1 and envelope.message_id = leased.message_id
      returning envelope.message_id, attempt, bounce_token, bcc, topic_key, to_user_id,
        to_char(lease_end_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as end_time`,
    values: [currentCaller().tenantId, ids, seconds],
  });
  return new Map(rows.map((row) => [row.message_id, row]));
}

async function claimedMessage(
  message: Message,
  leased: Lease | undefined,
  { mailboxes, listHeaders }: { mailboxes: ReadonlyMap<string, MailAddress>; listHeaders: readonly MailHeader[] },
): Promise<ClaimedMessage> {
  const mailbox = mailboxes.get(message.mailboxId ?? '');
  if (!leased || !mailbox) throw new Error(`The message ${message.id} has no envelope, or its mailbox none.`);
  const bcc = await openBcc(leased.bcc);
  return {
    message,
    attempt: leased.attempt,
    // An automatic answer gets none itself (RFC 3834, section 3.3). Bounces of other messages come back.
    envelopeFrom: message.automatic === AutomaticKind.REPLIED ? '' : tokenAddress(mailbox, leased.bounce_token),
    envelopeTo: [...new Set([...message.toAddresses, ...message.ccAddresses, ...bcc])],
    replyTo: message.replyTo,
    headers: [...headersOf(message), ...listHeaders],
    leaseEndTime: leased.end_time,
    toUserId: leased.to_user_id ?? undefined,
  };
}

function headersOf({ automatic }: Message): MailHeader[] {
  switch (automatic) {
    case AutomaticKind.REPLIED:
      return automaticHeaders('auto-replied');
    case AutomaticKind.GENERATED:
      return automaticHeaders('auto-generated');
    default:
      return [];
  }
}

/** By RFC 3834, and for Exchange, which does not know it. */
export function automaticHeaders(kind: 'auto-replied' | 'auto-generated'): MailHeader[] {
  return [
    { name: 'Auto-Submitted', value: kind },
    { name: 'X-Auto-Response-Suppress', value: 'All' },
    { name: 'Precedence', value: 'bulk' },
  ];
}
