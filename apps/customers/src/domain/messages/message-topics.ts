import type { Message } from '@rapport/contracts/rapport/content/v1/message';
import type { MailHeader } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import type { StatementTransaction } from '@rapport/persistence';

/** What topics say about messages that a worker is about to take. Topics send messages, so their folder is above this one. */
export abstract class MessageTopics {
  /** Why messages of a topic are not sent, by their ids. The others count for the cap of the topic. */
  abstract withheld(
    transaction: StatementTransaction,
    topicKey: string,
    messages: readonly Message[],
  ): Promise<ReadonlyMap<string, string>>;

  /** Ends a topic for a customer who has reported a message of it as spam. */
  abstract complained(transaction: StatementTransaction, customerId: string, topicKey: string): Promise<void>;

  /** Headers by which a recipient ends the topic of a message, by RFC 2369 and RFC 8058. */
  abstract listHeaders(transaction: StatementTransaction, message: Message, topicKey: string): Promise<MailHeader[]>;
}
