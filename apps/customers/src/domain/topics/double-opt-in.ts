import { AutomaticKind } from '@rapport/contracts/rapport/content/v1/message';
import type { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import { timerStatement, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, type PageLanguage } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { newLink } from '../links/public-links.js';
import { readMailAddresses } from '../messages/mail-addresses.js';
import { queueMessage } from '../messages/queue-message.js';
import { suppressedAmong } from '../messages/send-message.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { confirmationMail } from './page-texts.js';
import { readTopics } from './topics.js';

/** What asking for a confirmation needs of the process. */
export interface OptInParts {
  /** Of the tenant: `SuppressionKey.of`. */
  suppressionKey: SuppressionKey;
  /** Where customers reach the pages. */
  publicUrl: string;
}

/** A customer who asks for mail of topics. */
export interface OptIn {
  customerId: string;
  /** Where the confirmation goes. */
  address: string;
  topicKeys: readonly string[];
  /** Where it was asked for, such as "web form". */
  source: string;
  /** The text that was agreed to, without personal data: it is not encrypted. */
  evidence?: string | undefined;
  language?: PageLanguage | undefined;
  /** What it belongs to, such as a submission of a form: listeners get it when it ends. */
  origin?: { type: string; id: string } | undefined;
  /** The default mailbox of the tenant when absent. */
  mailboxId?: string | undefined;
}

/** Why no confirmation is sent. */
export type OptInRefusal =
  /** The address is suppressed for all purposes, such as after a complaint. */
  | 'SUPPRESSED'
  /** The address has had three confirmations within a day. */
  | 'TOO_MANY_CONFIRMATIONS'
  /** There is no mailbox that can send. */
  | 'NO_MAILBOX'
  | 'TOPIC_UNKNOWN';

/** Kind of the timer that ends an opt-in. */
export const optInKind = 'topic.opt_in';

/** How long a confirmation is waited for. */
export const optInDays = 7;

/** Most confirmations that an address gets within 24 hours, from all forms: others may type in what is not theirs. */
const confirmationsPerDay = 3;

/**
 * Sends a confirmation, whose link ends the double opt-in. Nothing is subscribed before its form is sent, and nothing of what
 * the asker has typed is in the mail.
 */
export async function startDoubleOptIn(
  transaction: StatementTransaction,
  { suppressionKey, publicUrl }: OptInParts,
  optIn: OptIn,
): Promise<{ optInId: string } | { refusal: OptInRefusal }> {
  const { customerId, address, topicKeys, language = 'en' } = optIn;
  const topics = await readTopics(transaction, topicKeys);
  if (topics.length === 0 || topics.length < new Set(topicKeys).size) return { refusal: 'TOPIC_UNKNOWN' };
  const mailboxId = await sendingMailbox(transaction, optIn.mailboxId);
  if (mailboxId === undefined) return { refusal: 'NO_MAILBOX' };
  if ((await suppressedAmong(transaction, suppressionKey, [address])).size > 0) return { refusal: 'SUPPRESSED' };
  const hash = suppressionKey.hash(currentCaller().tenantId, 'EMAIL', address);
  if ((await recentCount(transaction, hash)) >= confirmationsPerDay) return { refusal: 'TOO_MANY_CONFIRMATIONS' };
  const optInId = uuidv7();
  const link = newLink('CONFIRMATION', optInId);
  transaction.later(...storeStatements(optInId, hash, topics, optIn), link.store);
  const mail = confirmationMail(language, topics, `${publicUrl}/confirm/${link.token}`);
  await queueMessage(transaction, {
    ...{ mailboxId, to: [address], customerId, ...mail },
    automatic: AutomaticKind.GENERATED,
  });
  return { optInId };
}

async function sendingMailbox(transaction: StatementTransaction, wanted: string | undefined) {
  const mailboxes = (await readMailAddresses(transaction)).filter(({ canSend }) => canSend);
  const found = wanted === undefined ? mailboxes.find(({ isDefault }) => isDefault) : undefined;
  return (mailboxes.find(({ mailboxId }) => mailboxId === wanted) ?? found ?? mailboxes[0])?.mailboxId;
}

/** Confirmations of an address within 24 hours. The next one is counted after the transaction. */
async function recentCount(transaction: StatementTransaction, hash: Buffer): Promise<number> {
  const { tenantId } = currentCaller();
  const [, counted] = await transaction.run(
    {
      name: 'lock_opt_ins_of_address',
      sql: `select pg_advisory_xact_lock(hashtextextended('opt-in ' || $1 || $2, 0))`,
      values: [tenantId, hash.toString('hex')],
    },
    {
      name: 'recent_opt_ins_of_address',
      sql: `select count(*)::int as count from opt_in
        where tenant_id = $1 and address_hash = $2 and create_time > rapport_clock() - interval '24 hours'`,
      values: [tenantId, hash],
    },
  );
  return (counted?.[0] as { count: number }).count;
}

function storeStatements(id: string, hash: Buffer, topics: readonly Topic[], optIn: OptIn) {
  const { tenantId } = currentCaller();
  const { customerId, source, evidence, origin } = optIn;
  const keys = topics.map(({ key }) => key);
  return [
    {
      name: 'insert_opt_in',
      sql: `insert into opt_in
          (tenant_id, id, customer_id, address_hash, topic_keys, source, evidence, origin_type, origin_id, create_time)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, rapport_clock())`,
      values: [tenantId, id, customerId, hash, keys, source, evidence, origin?.type, origin?.id],
    },
    timerStatement({
      ...{ tenantId, kind: optInKind, recordType: 'opt_in', recordId: id, purpose: 'expiry' },
      dueTime: new Date(Date.now() + optInDays * 86_400_000),
    }),
  ];
}
