import { AutomaticKind, MessageState, type Message } from '@rapport/contracts/rapport/content/v1/message';
import type {
  OutgoingMessage,
  SendMessageRequest,
} from '@rapport/contracts/rapport/content/v1/message_actions_service';
import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import {
  AppError,
  callContext,
  flowOrigin,
  invalidArgument,
  invalidField,
  type FieldViolation,
} from '@rapport/platform';
import { within } from '../../engine/values/within.js';
import { hexHashes, suppressionsOf } from '../suppressions/suppression-statements.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { endJobs, lockJobs, queueStatement } from './mail-jobs.js';
import { readMailAddresses } from './mail-addresses.js';
import { queueMessage } from './queue-message.js';
import { changeMessages, checkState, lockMessage } from './stored-messages.js';

/** Handles SendMessage. @param customerId of the first recipient, if it is a customer that the caller sees */
export async function sendMessage(
  transaction: StatementTransaction,
  { outgoing }: SendMessageRequest,
  { key, customerId }: { key: SuppressionKey; customerId: string | undefined },
): Promise<Message> {
  if (!outgoing) throw invalidField('outgoing', 'REQUIRED', 'is required');
  checkTerms(outgoing, customerId);
  await refuseSuppressed(transaction, key, outgoing);
  const content = { ...outgoing, customerId, ...(isOfFlow() && { automatic: AutomaticKind.GENERATED }) };
  return within({ fileIds: 'outgoing.fileIds' }, () => queueMessage(transaction, content, 'outgoing.mailboxId'));
}

/** Whether a step of a flow calls. */
export function isOfFlow(): boolean {
  return callContext.getStore()?.cause?.origin === flowOrigin;
}

/** What is asked about the customer when a message is sent needs one. Blind copies have none. */
function checkTerms({ topicKey, unlessAnsweredSince, cc, bcc }: OutgoingMessage, customerId: string | undefined): void {
  if (topicKey === undefined && unlessAnsweredSince === undefined) return;
  const named = topicKey === undefined ? 'unlessAnsweredSince' : 'topicKey';
  if (customerId === undefined) throw invalidField('outgoing.customerId', 'REQUIRED', `is required for ${named}`);
  if (topicKey === undefined) return;
  if (cc.length > 0) throw invalidField('outgoing.cc', 'NOT_ALLOWED', 'is not allowed for a message of a topic');
  if (bcc.length > 0) throw invalidField('outgoing.bcc', 'NOT_ALLOWED', 'is not allowed for a message of a topic');
}

/** Handles CancelMessage: what a worker has taken may be on its way. */
export async function cancelMessage(transaction: StatementTransaction, id: string, etag?: string): Promise<Message> {
  const before = await lockWithJob(transaction, id, etag);
  checkState(before, [MessageState.QUEUED]);
  transaction.later(endJobs([before]));
  return changeOne(transaction, id, { state: MessageState.CANCELLED });
}

/** Handles ResendMessage. The `Message-ID` stays: a recipient that has the message knows the second one. */
export async function resendMessage(transaction: StatementTransaction, id: string, etag?: string): Promise<Message> {
  const before = await lockWithJob(transaction, id, etag);
  checkState(before, [MessageState.FAILED, MessageState.UNKNOWN]);
  await checkMailbox(transaction, before);
  transaction.later(queueStatement(before));
  return changeOne(transaction, id, { state: MessageState.QUEUED, stateReason: undefined });
}

/** @throws AppError FAILED_PRECONDITION MESSAGE_STATE for a message that nothing would send, such as one of an imported workspace */
async function checkMailbox(transaction: StatementTransaction, { mailboxId }: Message): Promise<void> {
  const mailboxes = await readMailAddresses(transaction);
  if (mailboxes.some((mailbox) => mailbox.mailboxId === mailboxId && mailbox.canSend)) return;
  const message = 'The mailbox of the message does not exist any more, or it does not send.';
  throw new AppError('FAILED_PRECONDITION', 'MESSAGE_STATE', message);
}

async function lockWithJob(transaction: StatementTransaction, id: string, etag: string | undefined): Promise<Message> {
  transaction.later(lockJobs([id]));
  const message = await lockMessage(transaction, id);
  checkEtag(etag, etagVersion(message.etag));
  return message;
}

async function changeOne(transaction: StatementTransaction, id: string, changes: Partial<Message>): Promise<Message> {
  const [changed] = await changeMessages(transaction, [id], () => changes);
  return changed!;
}

/** @throws AppError INVALID_ARGUMENT SUPPRESSED that names each address which no e-mail is sent to */
async function refuseSuppressed(
  transaction: StatementTransaction,
  key: SuppressionKey,
  { to, cc, bcc }: OutgoingMessage,
): Promise<void> {
  const fields = [...named('to', to), ...named('cc', cc), ...named('bcc', bcc)];
  const found = await suppressedAmong(
    transaction,
    key,
    fields.map(({ address }) => address),
  );
  const description = 'is suppressed: no e-mail is sent to it';
  const violations = fields.flatMap(({ address, field }): FieldViolation[] =>
    found.has(address) ? [{ field, reason: 'SUPPRESSED', description }] : [],
  );
  if (violations.length > 0) throw invalidArgument(violations);
}

/** The addresses, of these, that no e-mail of any purpose is sent to. */
export async function suppressedAmong(
  transaction: StatementTransaction,
  key: SuppressionKey,
  addresses: readonly string[],
): Promise<Set<string>> {
  const suppressed = await transaction.rows<{ hash: string; purpose: string | null }>(
    suppressionsOf(key, 'EMAIL', addresses, undefined),
  );
  const hashes = new Set(suppressed.filter(({ purpose }) => purpose === null).map(({ hash }) => hash));
  return new Set(addresses.filter((address) => hexHashes(key, 'EMAIL', address).some((hash) => hashes.has(hash))));
}

function named(list: string, addresses: readonly string[]): { address: string; field: string }[] {
  return addresses.map((address, index) => ({ address, field: `outgoing.${list}[${index}]` }));
}
