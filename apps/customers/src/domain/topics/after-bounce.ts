import type { StatementTransaction } from '@rapport/persistence';
import { suppressBounced, type BounceClass } from '../suppressions/bounce-rules.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { stateConsent } from './state-consent.js';

/** A report about a mail of a topic. */
export interface BouncedMail {
  /** Of the recipient that was written to. */
  recipientId: string;
  /** Absent once the customer is erased. */
  customerId: string | undefined;
  /** Of the address that the mail was sent to, which the customer may no longer have. */
  hash: Buffer;
  topicKey: string;
  bounceClass: BounceClass;
}

/**
 * What follows from a bounce or complaint, besides the state of the recipient: the address is suppressed, at once or at the
 * fifth soft bounce within 30 days, and a complaint withdraws the consent of the topic.
 *
 * @param key of the tenant: `SuppressionKey.of`
 */
export async function afterBounce(
  transaction: StatementTransaction,
  key: SuppressionKey,
  { recipientId, customerId, hash, topicKey, bounceClass }: BouncedMail,
): Promise<void> {
  await suppressBounced(transaction, { hash, messageId: recipientId, bounceClass });
  if (bounceClass !== 'COMPLAINT' || customerId === undefined) return;
  await withdrawAfterComplaint(transaction, key, { customerId, topicKey });
}

/** Withdraws the consent of a customer who has reported a mail of a topic as spam. */
export async function withdrawAfterComplaint(
  transaction: StatementTransaction,
  key: SuppressionKey,
  { customerId, topicKey }: { customerId: string; topicKey: string },
): Promise<void> {
  await stateConsent(transaction, key, customerId, [
    { topicKey, state: 'WITHDRAWN', source: 'complaint', evidence: 'The recipient reported a mail as spam.' },
  ]);
}
