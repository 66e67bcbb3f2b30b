import { createHmac } from 'node:crypto';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { emailKey } from '../../engine/records/unique-values.js';
import type { Suppression } from './suppression.entity.js';

/** A channel whose addresses can be suppressed. */
export type SuppressedChannel = Suppression['channel'];

/**
 * The HMAC key for suppressed addresses. Without it the hashes in the database cannot be tested against addresses. Losing or changing it
 * invalidates all suppressions, so it is never rotated.
 */
export class SuppressionKey {
  /** @param bytes 32 of them */
  constructor(private readonly bytes: Buffer) {}

  /** The same address has another hash for each tenant. */
  hash(tenantId: string, channel: SuppressedChannel, address: string): Buffer {
    const text = JSON.stringify([tenantId, addressKey(channel, address)]);
    return createHmac('sha256', this.bytes).update(text).digest();
  }
}

/** The form in which addresses are compared. A number that is not valid is compared as it was typed. */
function addressKey(channel: SuppressedChannel, address: string): string {
  const typed = address.trim();
  if (channel === 'EMAIL') return emailKey(typed);
  const parsed = parsePhoneNumberFromString(typed, { extract: false });
  return parsed?.isValid() ? parsed.number : typed;
}
