import type { AutomaticKind, Message } from '@rapport/contracts/rapport/content/v1/message';
import type { StatementTransaction } from '@rapport/persistence';

/** A message to send. */
export interface OutgoingContent {
  /** The default mailbox of the tenant when absent. */
  mailboxId?: string | undefined;
  /** The ticket that it belongs to: its replies come back to it by a token. */
  ticket?: { id: string; number: number; customerId?: string | undefined } | undefined;
  /** The customer whose personal data it is. That of the ticket by default. */
  customerId?: string | undefined;
  to: readonly string[];
  cc?: readonly string[];
  bcc?: readonly string[];
  subject: string;
  text: string;
  html?: string | undefined;
  /** Files of any records, which are attached. */
  fileIds?: readonly string[];
  /** `Message-ID` of the message that it answers, without angle brackets. */
  inReplyTo?: string | undefined;
  referenceIds?: readonly string[];
  /** For a message that no human wrote. */
  automatic?: AutomaticKind | undefined;
}

/**
 * Queues a message in the transaction of the change that causes it, with a `Message-ID` of its own.
 *
 * @param field of the request that names the mailbox
 * @throws AppError INVALID_ARGUMENT MAILBOX_UNKNOWN when there is no mailbox that can send
 */
export function queueMessage(
  transaction: StatementTransaction,
  content: OutgoingContent,
  field = 'mailboxId',
): Promise<Message> {
  throw new Error(`not built yet: ${field} ${content.subject} ${String(transaction.isFresh)}`);
}
