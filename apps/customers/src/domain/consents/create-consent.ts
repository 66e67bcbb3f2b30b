import type { EntityManager } from '@mikro-orm/postgresql';
import {
  ConsentState,
  ContactChannel,
  LegalBasis,
  type Consent as ConsentMessage,
  type CreateConsentRequest,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { beyondScope, queryRows, runStatements, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, invalidArgument } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { clockSkewMs } from '../../engine/changes/history/record-as-of.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { type StoredRecord, openStored } from '../../engine/records/record-rows.js';
import { lockRecords } from '../../engine/records/record-statements.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { liftSuppressions, suppressAddresses } from '../suppressions/suppression-statements.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { consentMessage, type ConsentRow } from './consent-message.js';
import { consentsOf } from './consent-statements.js';
import type { Consent } from './consent.entity.js';

/** Handles CreateConsent. Runs in a transaction. */
export async function createConsent(
  em: EntityManager | StatementTransaction,
  key: SuppressionKey,
  { customerId, consent }: CreateConsentRequest,
): Promise<ConsentMessage> {
  const row = newConsent(customerId, consent);
  // The lock serialises the consents of one customer, so that each sees the earlier ones.
  const type = customerType();
  const [locked] = await queryRows<StoredRecord<Customer>>(em, lockRecords(type, [customerId]));
  const [stored] = await openStored(type, locked ? [locked] : []);
  const customer = await liveRecord(em, type, customerId, stored);
  if (consent?.time !== undefined) return recordConsent(em, key, customer, row);
  const { purpose, channel } = row;
  const [, current = []] = await runStatements(
    em,
    beyondScope,
    consentsOf({ customerId, purpose, channel, currentOnly: true, limit: 1 }),
  );
  return recordConsent(em, key, customer, { ...row, time: nowAfter((current as ConsentRow[])[0]) });
}

/**
 * The time of a statement that is made now: later than that of the one in force, which can be ahead by the clock of another process
 * or of a caller, and would stay in force.
 */
export function nowAfter(inForce: Pick<ConsentRow, 'time'> | undefined): Date {
  const earliest = inForce === undefined ? 0 : new Date(inForce.time).getTime() + 1;
  return new Date(Math.max(Date.now(), earliest));
}

/** Records a consent of a customer that is locked in the transaction. */
export async function recordConsent(
  em: EntityManager | StatementTransaction,
  key: SuppressionKey,
  customer: Customer,
  row: ConsentRow,
): Promise<ConsentMessage> {
  const { customerId, purpose, channel } = row;
  // Consents of customers that were merged into it count too, even if the caller cannot see those customers.
  const [, , current = []] = await runStatements(
    em,
    beyondScope,
    insertConsent(sealedConsent(row)),
    consentsOf({ customerId, purpose, channel, currentOnly: true, limit: 1 }),
  );
  const counting = (current as ConsentRow[])[0]?.state;
  if (counting === 'GIVEN') {
    await runStatements(em, liftSuppressions({ customerId, channel, purpose }));
  } else if (channel !== 'POST') {
    const addresses = channel === 'EMAIL' ? customer.emails.map(({ address }) => address) : phonesOf(customer);
    const suppressed = addresses.map((address) => ({ channel, address, purpose, customerId }));
    await runStatements(em, ...suppressAddresses(key, 'CONSENT_WITHDRAWN', suppressed));
  }
  return consentMessage(row);
}

function phonesOf({ phones }: { phones: { number: string }[] }): string[] {
  return phones.map(({ number }) => number);
}

/** The row of a new consent. @throws AppError INVALID_ARGUMENT */
export function newConsent(customerId: string, consent: ConsentMessage | undefined): ConsentRow {
  if (!consent) throw invalidArgument([{ field: 'consent', reason: 'REQUIRED', description: 'is required' }]);
  const now = new Date();
  const time = consent.time === undefined ? now : new Date(consent.time);
  if (time.getTime() > now.getTime() + clockSkewMs) {
    throw invalidArgument([{ field: 'consent.time', reason: 'IN_FUTURE', description: 'must not be in the future' }]);
  }
  const source = consent.source.trim();
  if (source === '') {
    throw invalidArgument([{ field: 'consent.source', reason: 'REQUIRED', description: 'must not be blank' }]);
  }
  const evidence = consent.evidence?.trim();
  return {
    id: uuidv7(),
    customerId,
    purpose: consent.purpose,
    // The contract's rules have validated these names.
    channel: ContactChannel[consent.channel] as Consent['channel'],
    state: ConsentState[consent.state] as Consent['state'],
    legalBasis: LegalBasis[consent.legalBasis] as Consent['legalBasis'],
    source,
    time,
    evidence: evidence === '' ? null : (evidence ?? null),
    createTime: now,
    createdBy: currentCaller().principalId,
  };
}

/** Encrypts the row for storage. Prepare the key of its customer first. */
function sealedConsent(row: ConsentRow): ConsentRow {
  const seal = currentSeal();
  if (!seal || !row.evidence) return row;
  return { ...row, evidence: seal.sealText(row.customerId, row.evidence) };
}

function insertConsent(row: ConsentRow) {
  return {
    name: 'insert_consent',
    sql: `insert into consent (tenant_id, id, customer_id, purpose, channel, state, legal_basis, source, time, evidence,
        create_time, created_by)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    values: [
      currentCaller().tenantId,
      ...[row.id, row.customerId, row.purpose, row.channel, row.state, row.legalBasis, row.source],
      ...[row.time, row.evidence, row.createTime, row.createdBy],
    ],
  };
}
