import {
  ConsentState,
  ContactChannel,
  LegalBasis,
  type Consent,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import type { StatementTransaction } from '@rapport/persistence';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { survivors } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { lockRecords } from '../../engine/records/record-statements.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { consentMessage, type ConsentRow } from '../consents/consent-message.js';
import { consentsOf } from '../consents/consent-statements.js';
import { newConsent, recordConsent } from '../consents/create-consent.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';

/** What a customer says about a topic. */
export interface TopicStatement {
  topicKey: string;
  state: 'GIVEN' | 'WITHDRAWN';
  /** Where it is said, such as "unsubscribe page". */
  source: string;
  evidence?: string | undefined;
}

/** Most purposes of one customer that are read. */
const maxPurposes = 1_000;

/**
 * Records consents by e-mail of a customer, or of the one that it was merged into, except those that are in force already. A
 * deleted customer can still withdraw one: it may be restored.
 *
 * @param key of the tenant: `SuppressionKey.of`
 * @returns the keys of the topics that changed. Undefined when there is no such customer any more
 */
export async function stateConsent(
  transaction: StatementTransaction,
  key: SuppressionKey,
  customerId: string,
  statements: readonly TopicStatement[],
): Promise<string[] | undefined> {
  const customer = await lockCustomer(transaction, customerId);
  if (!customer || (customer.deleteTime && statements.some(({ state }) => state === 'GIVEN'))) return undefined;
  await currentSeal()?.prepare([customer.id]);
  const inForce = await consentsInForce(transaction, customer.id);
  const changed = statements.filter(({ topicKey, state }) => inForce.get(topicKey)?.state !== state);
  for (const statement of changed) {
    const consent = consentOf(statement, inForce.get(statement.topicKey));
    await recordConsent(transaction, key, customer, newConsent(customer.id, consent));
  }
  return changed.map(({ topicKey }) => topicKey);
}

/** The consents of a customer by e-mail that are in force, by their purpose. */
export async function consentsInForce(
  transaction: Pick<StatementTransaction, 'rows'>,
  customerId: string,
): Promise<Map<string, ConsentRow>> {
  const query = { customerId, channel: 'EMAIL', currentOnly: true, limit: maxPurposes };
  const rows = await transaction.rows<ConsentRow>(consentsOf(query));
  return new Map(rows.map((row) => [row.purpose, row]));
}

/** Whether a customer gets mail of a topic, as far as consents decide it. */
export function isSubscribed({ key, legalBasis }: Topic, inForce: ReadonlyMap<string, ConsentRow>): boolean {
  const state = inForce.get(key)?.state;
  return state === undefined ? legalBasis !== LegalBasis.CONSENT : state === 'GIVEN';
}

/** The customer, or the one at the end of its merges, locked. */
async function lockCustomer(transaction: StatementTransaction, id: string): Promise<Customer | undefined> {
  const type = customerType();
  const surviving = (await survivors(transaction, type, [id])).get(id) ?? id;
  const rows = await transaction.rows<StoredRecord<Customer>>(lockRecords(type, [surviving]));
  const [customer] = await openStored(type, rows);
  // Merged meanwhile.
  if (customer?.mergedIntoId !== undefined) return lockCustomer(transaction, customer.mergedIntoId);
  return customer;
}

function consentOf({ topicKey, state, source, evidence }: TopicStatement, before: ConsentRow | undefined): Consent {
  const now = new Date().toISOString();
  // A statement with a clock ahead of ours must not outlive this one.
  const last = before && consentMessage(before).time;
  return {
    ...{ id: '', customerId: '', createTime: undefined, createdBy: '' },
    ...{ purpose: topicKey, channel: ContactChannel.EMAIL, state: ConsentState[state] },
    ...{ legalBasis: LegalBasis.CONSENT, source, time: last !== undefined && last > now ? last : now, evidence },
  };
}
