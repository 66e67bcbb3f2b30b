import type { StatementTransaction } from '@rapport/persistence';
import { suppressBounced, type BounceClass } from '../suppressions/bounce-rules.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { stateConsent } from './state-consent.js';

/** A report about a mail of a topic. */
export interface BouncedMail {
  /** Of the recipient that was written to. */
  recipientId: string;
  customerId: string;
  address: string;
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
  { recipientId, customerId, address, topicKey, bounceClass }: BouncedMail,
): Promise<void> {
  await suppressBounced(transaction, key, { address, messageId: recipientId, bounceClass });
  if (bounceClass !== 'COMPLAINT') return;
  await stateConsent(transaction, key, customerId, [
    { topicKey, state: 'WITHDRAWN', source: 'complaint', evidence: 'The recipient reported a mail as spam.' },
  ]);
}
