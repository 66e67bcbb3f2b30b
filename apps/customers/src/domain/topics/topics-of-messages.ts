import type { Message } from '@rapport/contracts/rapport/content/v1/message';
import type { MailHeader } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { MessageTopics } from '../messages/message-topics.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { withdrawAfterComplaint } from './after-bounce.js';
import { mayReceive, recordSends } from './may-receive.js';
import { linkIssuer, recipientLinks } from './recipient-links.js';

/** The consents and caps of topics, for messages that are sent one by one. */
export class TopicsOfMessages extends MessageTopics {
  constructor(
    private readonly suppressionKey: SuppressionKey,
    private readonly publicUrl: string,
  ) {
    super();
  }

  override async withheld(
    transaction: StatementTransaction,
    topicKey: string,
    messages: readonly Message[],
  ): Promise<Map<string, string>> {
    const recipients = messages.flatMap(({ id, customerId, toAddresses }) =>
      customerId === undefined ? [] : toAddresses.map((address) => ({ id, customerId, address })),
    );
    const key = await this.suppressionKey.of(transaction);
    const time = new Date();
    const reasons = await mayReceive(transaction, key, { topicKey, recipients, time });
    const held = new Map<string, string>();
    // The consent of a customer that was erased meanwhile does not count.
    for (const { id, customerId } of messages) if (customerId === undefined) held.set(id, 'CUSTOMER_GONE');
    const counted = await countedAmong(transaction, topicKey, messages);
    for (const [place, reason] of reasons) {
      const { id } = recipients[place]!;
      if (reason !== 'CAP_REACHED' || !counted.has(id)) held.set(id, reason);
    }
    const sends = messages.flatMap(({ id, customerId }) =>
      customerId === undefined || held.has(id) ? [] : [{ customerId, sendId: id }],
    );
    recordSends(transaction, { topicKey, sends, time });
    return held;
  }

  override async complained(transaction: StatementTransaction, customerId: string, topicKey: string): Promise<void> {
    await withdrawAfterComplaint(transaction, await this.suppressionKey.of(transaction), { customerId, topicKey });
  }

  override async listHeaders(
    transaction: StatementTransaction,
    { id, customerId }: Message,
    topicKey: string,
  ): Promise<MailHeader[]> {
    if (customerId === undefined) return [];
    const issuer = await linkIssuer(transaction, this.publicUrl);
    const { unsubscribeUrl } = recipientLinks(issuer, { customerId, topicKey, recipientId: id });
    return [
      { name: 'List-Unsubscribe', value: `<${unsubscribeUrl}>` },
      { name: 'List-Unsubscribe-Post', value: 'List-Unsubscribe=One-Click' },
    ];
  }
}

/** The messages that an earlier attempt has counted for the cap of a topic. */
async function countedAmong(
  transaction: StatementTransaction,
  topicKey: string,
  messages: readonly Message[],
): Promise<ReadonlySet<string>> {
  const rows = await transaction.rows<{ id: string }>({
    name: 'counted_topic_sends',
    sql: `select send_id as id from topic_send
      where tenant_id = $1 and topic_key = $2 and customer_id = any ($3::uuid[]) and send_id = any ($4::uuid[])`,
    values: [
      ...[currentCaller().tenantId, topicKey],
      ...[messages.flatMap(({ customerId }) => customerId ?? []), messages.map(({ id }) => id)],
    ],
  });
  return new Set(rows.map(({ id }) => id));
}
