import { randomUUID } from 'node:crypto';
import {
  AttachmentDisposition,
  AttachmentScan,
  AutomaticKind,
  MessageDirection,
  MessageState,
  type Message,
  type MessageAttachment,
} from '@rapport/contracts/rapport/content/v1/message';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller, invalidField } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { openFiles } from '../../engine/files/sealed-files.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { checkRecordPermission, recordNamed } from '../files/file-record.js';
import { sealedBcc } from './blind-copies.js';
import { messageDomain, readMailAddresses, readMailSecret, type MailAddress } from './mail-addresses.js';
import { queueStatement } from './mail-jobs.js';
import { newBounceToken, threadToken, tokenAddress, type TokenTicket } from './mail-tokens.js';
import type { MessageTerms } from './held-messages.js';
import { messages } from './messages.js';
import { insertMessages } from './stored-messages.js';

/** Most ids of the `References` header of a message to send: the first one and the last ones. */
const maxReferences = 20;

/** Most bytes of the attachments of a message to send: with their encoding, mail servers take 25 MB. */
const maxAttachedBytes = 18 * 1_024 * 1_024;

/** A message to send. */
export interface OutgoingContent extends MessageTerms {
  /** The default mailbox of the tenant when absent. */
  mailboxId?: string | undefined;
  /** The ticket that it belongs to: its replies come back to it by a token. */
  ticket?: { id: string; number?: number | undefined; customerId?: string | undefined } | undefined;
  /** The customer whose personal data it is. That of the ticket by default. */
  customerId?: string | undefined;
  to: readonly string[];
  /** The user that it goes to, in place of addresses. */
  toUserId?: string | undefined;
  cc?: readonly string[] | undefined;
  bcc?: readonly string[] | undefined;
  subject: string;
  text: string;
  html?: string | undefined;
  /** Files of any records that the caller can read, which are attached. */
  fileIds?: readonly string[] | undefined;
  /** `Message-ID` of the message that it answers. By default the last one that came for the ticket. */
  inReplyTo?: string | undefined;
  /** The ids of its `References`, oldest first, without `inReplyTo`. */
  referenceIds?: readonly string[] | undefined;
  /** For a message that no human wrote. */
  automatic?: AutomaticKind | undefined;
}

/**
 * Queues a message in the transaction of the change that causes it, with a `Message-ID` of its own. It is sent once the
 * transaction has committed.
 *
 * @param field of the request that names the mailbox
 * @throws AppError INVALID_ARGUMENT MAILBOX_UNKNOWN when there is no mailbox that can send; FILE_NOT_FOUND, FILE_TOO_LARGE
 */
export async function queueMessage(
  transaction: StatementTransaction,
  content: OutgoingContent,
  field = 'mailboxId',
): Promise<Message> {
  const mailbox = await mailboxOf(transaction, content.mailboxId, field);
  const [id, thread] = [uuidv7(), await threadOf(transaction, content)];
  const { ticket, cc = [], bcc = [], subject, text, html, automatic = AutomaticKind.UNSPECIFIED } = content;
  const [message] = await insertMessages(transaction, [
    {
      ...{ id, direction: MessageDirection.OUT, state: MessageState.QUEUED, mailboxId: mailbox.mailboxId },
      internetMessageId: `${randomUUID()}@${messageDomain(mailbox)}`,
      ...thread,
      ...{ fromAddress: mailbox.address, fromName: mailbox.name ?? undefined },
      ...{ toAddresses: [...content.to], ccAddresses: [...cc] },
      bccCount: bcc.length > 0 ? bcc.length : undefined,
      replyTo: await replyAddress(transaction, mailbox, ticket),
      ...{ subject, text, html, visibleText: text, automatic },
      attachments: await attachmentsOf(transaction, content.fileIds ?? []),
      ...{ customerId: content.customerId ?? ticket?.customerId, ticketId: ticket?.id },
    },
  ]);
  await queue(transaction, message!, { ...content, bcc });
  return message!;
}

/** The work and the envelope of a queued message. */
async function queue(
  transaction: StatementTransaction,
  message: Message,
  { bcc, toUserId, topicKey, unlessAnsweredSince }: OutgoingContent & { bcc: readonly string[] },
): Promise<void> {
  const { tenantId } = currentCaller();
  transaction.later(
    {
      name: 'insert_mail_envelope',
      sql: `insert into mail_envelope (tenant_id, message_id, bounce_token, bcc, topic_key, unless_answered_since, to_user_id)
        values ($1, $2, $3, $4, $5, $6, $7)`,
      values: [
        ...[tenantId, message.id, newBounceToken(), await sealedBcc(message, bcc)],
        ...[topicKey ?? null, unlessAnsweredSince ?? null, toUserId ?? null],
      ],
    },
    queueStatement(message),
  );
}

async function mailboxOf(
  transaction: StatementTransaction,
  wanted: string | undefined,
  field: string,
): Promise<MailAddress> {
  const mailboxes = (await readMailAddresses(transaction)).filter(({ canSend }) => canSend);
  const isOnly = mailboxes.length === 1;
  const found = mailboxes.find(({ mailboxId, isDefault }) =>
    wanted === undefined ? isDefault || isOnly : mailboxId === wanted,
  );
  if (found) return found;
  const description =
    wanted === undefined
      ? 'is required, since the workspace has no default mailbox that can send'
      : 'must be the id of a mailbox that can send';
  throw invalidField(field, 'MAILBOX_UNKNOWN', description);
}

async function replyAddress(
  transaction: StatementTransaction,
  mailbox: MailAddress,
  ticket: OutgoingContent['ticket'],
): Promise<string | undefined> {
  if (ticket?.number === undefined) return undefined;
  const secret = await readMailSecret(transaction);
  return tokenAddress(mailbox, threadToken(secret, ticket as TokenTicket));
}

/** The headers that put the message into its thread at the recipient. */
async function threadOf(
  transaction: StatementTransaction,
  { ticket, inReplyTo, referenceIds = [] }: OutgoingContent,
): Promise<Pick<Message, 'inReplyTo' | 'referenceIds'>> {
  if (inReplyTo !== undefined) return { inReplyTo, referenceIds: shortened([...referenceIds, inReplyTo]) };
  const last = ticket && (await lastOf(transaction, ticket.id));
  if (last?.internetMessageId === undefined) return { inReplyTo: undefined, referenceIds: shortened(referenceIds) };
  return {
    inReplyTo: last.internetMessageId,
    referenceIds: shortened([...last.referenceIds, last.internetMessageId]),
  };
}

/** The last message that came for a ticket, or else the last one that was sent. */
async function lastOf(transaction: StatementTransaction, ticketId: string): Promise<Message | undefined> {
  const [last] = await transaction.rows<{ id: string }>({
    name: 'last_message_of_ticket',
    sql: `select id from message where tenant_id = $1 and ticket_id = $2 and delete_time is null
      order by (direction = 'IN') desc, id desc limit 1`,
    values: [currentCaller().tenantId, ticketId],
  });
  if (!last) return undefined;
  const rows = await transaction.rows<StoredRecord<Message>>(liveRecords(messages, [last.id]));
  const [message] = await openStored(messages, rows);
  return message;
}

function shortened(ids: readonly string[]): string[] {
  const all = [...new Set(ids)];
  return all.length <= maxReferences ? all : [all[0]!, ...all.slice(1 - maxReferences)];
}

interface FileRow {
  id: string;
  record: string;
  name: string;
  content_type: string;
  size_bytes: number;
  sha256: string;
}

async function attachmentsOf(
  transaction: StatementTransaction,
  fileIds: readonly string[],
): Promise<MessageAttachment[]> {
  if (fileIds.length === 0) return [];
  const rows = await transaction.rows<FileRow>({
    name: 'files_to_attach',
    sql: `select id, record, name, content_type, size_bytes, sha256 from file
      where tenant_id = $1 and id = any ($2::uuid[]) and delete_time is null`,
    values: [currentCaller().tenantId, fileIds],
  });
  if (rows.reduce((sum, { size_bytes: size }) => sum + Number(size), 0) > maxAttachedBytes) {
    throw invalidField('fileIds', 'FILE_TOO_LARGE', 'must be files of at most 18 MiB in all');
  }
  const opened = new Map((await openFiles(rows)).map((file) => [file.id, file]));
  return fileIds.map((fileId, index) => {
    const row = rows.find(({ id }) => id === fileId);
    const file = opened.get(fileId);
    if (!row || !file) throw invalidField(`fileIds[${index}]`, 'FILE_NOT_FOUND', 'must be the id of a file');
    if (!isService()) checkRecordPermission(recordNamed(row.record, 'fileIds'), 'read');
    return {
      ...{ fileId, name: file.name, contentId: undefined, disposition: AttachmentDisposition.ATTACHMENT },
      ...{ contentType: row.content_type, sizeBytes: row.size_bytes, sha256: file.sha256 ?? '' },
      scan: AttachmentScan.SKIPPED,
    };
  });
}

function isService(): boolean {
  return currentCaller().principalId.startsWith('service:');
}
