import {
  ConsentState,
  ContactChannel,
  LegalBasis,
  type Consent,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { lockRecords } from '../../engine/records/record-statements.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import type { ConsentRow } from '../consents/consent-message.js';
import { consentsOf } from '../consents/consent-statements.js';
import { newConsent, nowAfter, recordConsent } from '../consents/create-consent.js';
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
    const row = newConsent(customer.id, consentOf(statement));
    await recordConsent(transaction, key, customer, { ...row, time: nowAfter(inForce.get(statement.topicKey)) });
  }
  return changed.map(({ topicKey }) => topicKey);
}

/**
 * The topics, of these, that a customer has withdrawn the consent of. The customer, or the one that it was merged into, stays locked
 * until the end of the transaction, so that none is withdrawn meanwhile.
 */
export async function withdrawnAmong(
  transaction: StatementTransaction,
  customerId: string,
  topicKeys: readonly string[],
): Promise<string[]> {
  const customer = await lockCustomer(transaction, customerId);
  if (!customer) return [];
  const inForce = await consentsInForce(transaction, customer.id);
  return topicKeys.filter((key) => inForce.get(key)?.state === 'WITHDRAWN');
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

/** The id of the customer that one was merged into, or else its own. Undefined for one that is erased. */
export async function survivingCustomer(
  reader: Pick<StatementTransaction, 'rows'>,
  id: string,
): Promise<string | undefined> {
  const [surviving] = await reader.rows<{ id: string }>({
    name: 'surviving_customer',
    sql: `with recursive step as (
        select id, merged_into_id from customer where tenant_id = $1 and id = $2
        union all
        select customer.id, customer.merged_into_id from step
        join customer on customer.tenant_id = $1 and customer.id = step.merged_into_id)
      select id from step where merged_into_id is null`,
    values: [currentCaller().tenantId, id],
  });
  return surviving?.id;
}

/** The customer, or the one at the end of its merges, locked. */
export async function lockCustomer(transaction: StatementTransaction, id: string): Promise<Customer | undefined> {
  const type = customerType();
  const surviving = await survivingCustomer(transaction, id);
  if (surviving === undefined) return undefined;
  const rows = await transaction.rows<StoredRecord<Customer>>(lockRecords(type, [surviving]));
  const [customer] = await openStored(type, rows);
  // Merged meanwhile.
  if (customer?.mergedIntoId !== undefined) return lockCustomer(transaction, customer.mergedIntoId);
  return customer;
}

function consentOf({ topicKey, state, source, evidence }: TopicStatement): Consent {
  return {
    ...{ id: '', customerId: '', time: undefined, createTime: undefined, createdBy: '' },
    ...{ purpose: topicKey, channel: ContactChannel.EMAIL, state: ConsentState[state] },
    ...{ legalBasis: LegalBasis.CONSENT, source, evidence },
  };
}
