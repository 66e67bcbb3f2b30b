import type { EntityManager } from '@mikro-orm/postgresql';
import {
  ContactChannel,
  type Consent as ConsentMessage,
  type ListConsentsRequest,
  type ListConsentsResponse,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import { forkBeyondScope, type PageTokenKey, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { consentColumns, consentMessages, type ConsentRow } from './consent-message.js';
import { consentsOf } from './consent-statements.js';

const defaultPageSize = 20;

/** Handles ListConsents: returns the page that starts after the time and id in the page token. */
export async function listConsents(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  request: ListConsentsRequest,
): Promise<ListConsentsResponse> {
  const { customerId, purpose, pageSize = defaultPageSize, pageToken, currentOnly = false } = request;
  const { tenantId } = currentCaller();
  const channel = request.channel === ContactChannel.UNSPECIFIED ? undefined : ContactChannel[request.channel];
  const binding = JSON.stringify(['ListConsents', tenantId, customerId, purpose ?? null, channel ?? null, currentOnly]);
  const after = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  const [customer] = await readForTenant<StoredRecord>(em, liveRecords(customerType(), [customerId]));
  await liveRecord(em, customerType(), customerId, customer?.record);
  // One more row than the page holds shows whether there is a next page.
  const query = { customerId, purpose, channel, currentOnly, after, limit: pageSize + 1 };
  // Includes the consents of customers that were merged into it, even if the caller cannot see those customers.
  const rows = await readForTenant<ConsentRow>(forkBeyondScope(em), consentsOf(query));
  const consents = await consentMessages(rows.slice(0, pageSize));
  const last = rows.length > pageSize ? consents.at(-1) : undefined;
  return {
    consents,
    nextPageToken: last && signPageToken(pageTokenKey, binding, [last.time ?? null, last.id]),
  };
}

/** @throws AppError NOT_FOUND */
export async function getConsent(em: EntityManager, id: string): Promise<ConsentMessage> {
  const [row] = await readForTenant<ConsentRow>(em, {
    name: 'consent',
    sql: `select ${consentColumns} from consent where tenant_id = $1 and id = $2`,
    values: [currentCaller().tenantId, id],
  });
  const [consent] = row ? await consentMessages([row]) : [];
  if (consent) return consent;
  throw new AppError('NOT_FOUND', 'CONSENT_NOT_FOUND', 'There is no such consent.');
}
