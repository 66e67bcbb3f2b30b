import { MessageState, type Message } from '@rapport/contracts/rapport/content/v1/message';
import {
  BounceAction,
  type RecordBounceRequest,
  type RecordBounceResponse,
} from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { bounceClassOf, suppressBounced, type BounceClass } from '../suppressions/bounce-rules.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { openBcc } from './blind-copies.js';
import { endJobs, lockJobs } from './mail-jobs.js';
import type { MessageTopics } from './message-topics.js';
import { changeMessages, readMessages } from './stored-messages.js';

/** States of a message that may have been sent: its report can come before its outcome. */
const sent: ReadonlySet<MessageState> = new Set([
  ...[MessageState.CLAIMED, MessageState.HANDED_OVER, MessageState.UNKNOWN],
]);

/** Takes the reports about e-mails that are no messages, by their tokens. */
export type BounceListener = (
  transaction: StatementTransaction,
  key: SuppressionKey,
  request: RecordBounceRequest,
) => Promise<void>;

let ofCampaigns: BounceListener | undefined;

/** Registers what takes the reports about e-mails of campaigns. */
export function onCampaignBounce(listener: BounceListener): void {
  ofCampaigns = listener;
}

/** Handles RecordBounce. Only a recipient of the message can be suppressed by it. */
export async function recordBounce(
  transaction: StatementTransaction,
  { key, topics }: { key: SuppressionKey; topics: MessageTopics },
  request: RecordBounceRequest,
): Promise<RecordBounceResponse> {
  const envelope = await findEnvelope(transaction, request.token);
  if (!envelope) {
    await ofCampaigns?.(transaction, key, request);
    return { messageId: undefined };
  }
  const { messageId, bcc, topicKey } = envelope;
  const [message] = await readMessages(transaction, [messageId]);
  if (!message) return { messageId: undefined };
  if (request.action === BounceAction.FAILED) await markBounced(transaction, messageId, request);
  const address = bouncedRecipient(message, await openBcc(bcc), request);
  if (address !== undefined) {
    const hash = key.hash(currentCaller().tenantId, 'EMAIL', address);
    await suppressBounced(transaction, { hash, messageId, bounceClass: classOf(request) });
    const { customerId } = message;
    if (request.action === BounceAction.COMPLAINT && topicKey !== null && customerId !== undefined) {
      await topics.complained(transaction, customerId, topicKey);
    }
  }
  return { messageId };
}

async function markBounced(
  transaction: StatementTransaction,
  id: string,
  { status, diagnostic }: RecordBounceRequest,
): Promise<void> {
  transaction.later(lockJobs([id]));
  const stateReason = [status, diagnostic].filter(Boolean).join(' ') || undefined;
  const bounced = await changeMessages(transaction, [id], ({ state }) =>
    sent.has(state) ? { state: MessageState.BOUNCED, stateReason } : undefined,
  );
  transaction.later(endJobs(bounced));
}

function classOf({ action, status = '', diagnostic }: RecordBounceRequest): BounceClass {
  return action === BounceAction.COMPLAINT ? 'COMPLAINT' : bounceClassOf(status, diagnostic);
}

/** The address that a complaint or a failure is about. */
function bouncedRecipient(
  { toAddresses, ccAddresses }: Message,
  bcc: readonly string[],
  { action, recipient }: RecordBounceRequest,
): string | undefined {
  if (action !== BounceAction.COMPLAINT && action !== BounceAction.FAILED) return undefined;
  const recipients = [...toAddresses, ...ccAddresses, ...bcc];
  if (recipient === undefined) return recipients.length === 1 ? recipients[0] : undefined;
  return recipients.find((each) => each.toLowerCase() === recipient.toLowerCase());
}

interface Envelope {
  messageId: string;
  bcc: string | null;
  topicKey: string | null;
}

async function findEnvelope(transaction: StatementTransaction, token: string): Promise<Envelope | undefined> {
  const [envelope] = await transaction.rows<Envelope>({
    name: 'envelope_of_token',
    sql: 'select message_id as "messageId", bcc, topic_key as "topicKey" from mail_envelope where tenant_id = $1 and bounce_token = $2',
    values: [currentCaller().tenantId, token.toLowerCase()],
  });
  return envelope;
}
