import { createSecretKey, type KeyObject } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, hmac } from '@rapport/platform';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { emailSpellings } from '../../engine/values/domain-spellings.js';
import type { Suppression } from './suppression.entity.js';

/** A channel whose addresses can be suppressed. */
export type SuppressedChannel = Suppression['channel'];

/**
 * The HMAC key for suppressed addresses. Without it the hashes in the database cannot be tested against addresses. Losing or changing it
 * invalidates all suppressions, so it is never rotated.
 */
export class SuppressionKey {
  /** Of the bytes: HMAC by a Buffer takes seven times as long, and a claim of a campaign has thousands. */
  readonly #key: KeyObject;

  /**
   * @param bytes 32 of them
   * @param space replaces the id of the caller's tenant, when its suppressions were imported from another tenant's
   *   archive
   */
  constructor(
    private readonly bytes: Buffer,
    private readonly space?: string,
  ) {
    this.#key = createSecretKey(bytes);
  }

  /** The key for the addresses of the caller's tenant. */
  async of(em: EntityManager | StatementTransaction): Promise<SuppressionKey> {
    const space = await suppressionSpaceOf(em);
    return space === undefined ? this : new SuppressionKey(this.bytes, space);
  }

  /** Identifies the key, to check whether hashes were made with it. */
  get fingerprint(): string {
    return hmac(this.#key).update('fingerprint').digest('hex').slice(0, 16);
  }

  /** A key for another purpose. */
  derived(purpose: string): Buffer {
    return hmac(this.#key).update(`derived ${purpose}`).digest();
  }

  /** The same address has a different hash in each tenant. It is that of all spellings of the address. */
  hash(tenantId: string, channel: SuppressedChannel, address: string): Buffer {
    return this.#hashOf(tenantId, addressKeys(channel, address)[0]);
  }

  /** The hashes that suppressions of an address can have: the first is `hash`, the others are those of earlier releases. */
  hashes(tenantId: string, channel: SuppressedChannel, address: string): Buffer[] {
    return addressKeys(channel, address).map((each) => this.#hashOf(tenantId, each));
  }

  #hashOf(tenantId: string, addressKey: string): Buffer {
    const text = JSON.stringify([this.space ?? tenantId, addressKey]);
    return hmac(this.#key).update(text).digest();
  }
}

/** The normalized address, then as it was normalized before: earlier releases hashed a domain as it was typed. An invalid phone number is compared as typed. */
function addressKeys(channel: SuppressedChannel, address: string): [string, ...string[]] {
  const typed = address.trim();
  if (channel === 'EMAIL') return emailSpellings(typed);
  const parsed = parsePhoneNumberFromString(typed, { extract: false });
  return [parsed?.isValid() ? parsed.number : typed];
}

/** Replacement of the tenant's id in hashes of the caller's tenant. Undefined: its id. */
export async function suppressionSpaceOf(em: EntityManager | StatementTransaction): Promise<string | undefined> {
  const [row] = await queryRows<{ space: string }>(em, {
    name: 'suppression_space',
    sql: 'select space from suppression_space where tenant_id = $1',
    values: [currentCaller().tenantId],
  });
  return row?.space;
}
