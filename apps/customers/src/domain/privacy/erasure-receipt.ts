import { createHash } from 'node:crypto';
import type { Erasure as ErasureMessage } from '@rapport/contracts/rapport/customers/v1/privacy_service';
import type { Erasure } from './erasure.entity.js';

/** Converts a stored receipt to the message of the contract. */
export function erasureMessage({
  tenantId: _,
  ownerId: _owner,
  ownerTeamId: _team,
  createTime,
  ...receipt
}: Erasure): ErasureMessage {
  return { ...receipt, createTime: createTime.toISOString() };
}

/** SHA-256 of a receipt in hexadecimal. Store it to detect a later change of the receipt: see Erasure.digest in the contract. */
export function receiptDigest(receipt: Omit<Erasure, 'tenantId' | 'digest' | 'ownerId' | 'ownerTeamId'>): string {
  const { id, customerIds, reason, erased, createTime, createdBy } = receipt;
  const counts = erased.map(({ dataClass, count }) => [dataClass, count]);
  const text = JSON.stringify([id, customerIds, reason, counts, createTime.toISOString(), createdBy]);
  return createHash('sha256').update(text).digest('hex');
}
