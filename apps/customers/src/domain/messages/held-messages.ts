import type { Message } from '@rapport/contracts/rapport/content/v1/message';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { MessageTopics } from './message-topics.js';

/** What a message asks when it is about to be sent. */
export interface MessageTerms {
  /** Key of the topic that its recipients have to receive. */
  topicKey?: string | undefined;
  /** It is not sent after an answer of its customer since this time, in RFC 3339. */
  unlessAnsweredSince?: string | undefined;
}

/**
 * Why messages are not sent that a worker is about to take, by their ids. Asked in the transaction of the claim: an answer or
 * an opt-out that was acknowledged before is seen. Messages that are sent count for the caps of their topics.
 */
export async function heldMessages(
  transaction: StatementTransaction,
  topics: MessageTopics,
  messages: readonly Message[],
): Promise<Map<string, string>> {
  const rows = await transaction.rows<HeldRow>({
    name: 'terms_of_messages',
    sql: termsQuery,
    values: [currentCaller().tenantId, messages.map(({ id }) => id)],
  });
  const held = new Map<string, string>(rows.flatMap(({ id, isAnswered }) => (isAnswered ? [[id, 'ANSWERED']] : [])));
  const byId = new Map(messages.map((message) => [message.id, message]));
  const asked = rows.flatMap(({ id, topicKey }) => {
    const message = byId.get(id);
    return message && topicKey !== null && !held.has(id) ? [{ message, topicKey }] : [];
  });
  // In one order, since the caps of topics are locked.
  for (const topicKey of [...new Set(asked.map((each) => each.topicKey))].sort()) {
    const own = asked.filter((each) => each.topicKey === topicKey).map(({ message }) => message);
    for (const [id, reason] of await topics.withheld(transaction, topicKey, own)) held.set(id, reason);
  }
  return held;
}

interface HeldRow {
  id: string;
  topicKey: string | null;
  isAnswered: boolean;
}

const termsQuery = `
  select own.id, topic_key as "topicKey", unless_answered_since is not null and (
      exists (select from message answer
        where answer.tenant_id = $1 and answer.customer_id = own.customer_id and answer.direction = 'IN'
          and answer.class = 'HUMAN' and answer.state <> 'QUARANTINED'
          and answer.create_time >= unless_answered_since)
      or exists (select from meeting
        where meeting.tenant_id = $1 and meeting.customer_id = own.customer_id
          and meeting.create_time >= unless_answered_since)) as "isAnswered"
  from mail_envelope join message own on own.tenant_id = $1 and own.id = message_id
  where mail_envelope.tenant_id = $1 and message_id = any ($2::uuid[])
    and (topic_key is not null or unless_answered_since is not null)`;
