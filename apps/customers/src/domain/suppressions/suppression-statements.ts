import type { Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { ownCustomers } from '../../engine/query/own-customers.js';
import type { SuppressedChannel, SuppressionKey } from './suppression-key.js';
import { suppressionColumns } from './suppression-message.js';
import type { Suppression } from './suppression.entity.js';

/** An address and the purpose to suppress it for. */
export interface SuppressedAddress {
  channel: SuppressedChannel;
  address: string;
  /** All purposes when absent. */
  purpose?: string | undefined;
  /** The customer that withdrew the consent. */
  customerId?: string;
}

/** Suppresses addresses. Skips those that are suppressed for the same reason, purpose and customer. */
export function suppressAddresses(
  key: SuppressionKey,
  reason: Suppression['reason'],
  addresses: readonly SuppressedAddress[],
): Statement[] {
  const { tenantId } = currentCaller();
  return suppressHashes(
    reason,
    addresses.map(({ address, ...rest }) => ({ ...rest, hash: key.hash(tenantId, rest.channel, address) })),
  );
}

/** Suppresses addresses that are known only by their hashes, such as that which a mail was sent to. */
export function suppressHashes(
  reason: Suppression['reason'],
  addresses: readonly (Omit<SuppressedAddress, 'address'> & { hash: Buffer })[],
): Statement[] {
  if (addresses.length === 0) return [];
  const { tenantId, principalId } = currentCaller();
  const rows = addresses.map(({ hash, ...rest }) => ({ ...rest, id: uuidv7(), hash: hash.toString('hex') }));
  const insert = {
    name: 'suppress_addresses',
    // All writers insert in the same order, or two could deadlock.
    sql: `insert into suppression
        (tenant_id, id, channel, address_hash, purpose, reason, customer_id, create_time, created_by)
      select $1, id, channel, decode(hash, 'hex'), purpose, $2, "customerId", $3, $4
      from jsonb_to_recordset($5) as wanted (id uuid, channel text, hash text, purpose text, "customerId" uuid)
      order by channel, hash
      on conflict (tenant_id, channel, address_hash, reason, purpose, customer_id) do nothing`,
    values: [tenantId, reason, new Date(), principalId, JSON.stringify(rows)],
  };
  return [insert];
}

/** Deletes the suppressions that come from withdrawn consents of a customer, and of customers that were merged into it. */
export function liftSuppressions({
  customerId,
  channel,
  purpose,
}: {
  customerId: string;
  channel: string;
  purpose: string;
}): Statement {
  return {
    name: 'lift_suppressions',
    sql: `with recursive ${ownCustomers}
      delete from suppression
      where tenant_id = $1 and customer_id in (select id from own) and channel = $3 and purpose = $4
        and reason = 'CONSENT_WITHDRAWN'`,
    values: [currentCaller().tenantId, customerId, channel, purpose],
  };
}

/** The hashes that suppressions of an address of the caller's tenant can have, as hexadecimal texts. */
export function hexHashes(key: SuppressionKey, channel: SuppressedChannel, address: string): string[] {
  return key.hashes(currentCaller().tenantId, channel, address).map((hash) => hash.toString('hex'));
}

/** Reads rows of `SuppressionRow` with the hash of their address as hexadecimal text. */
export function suppressionsOf(
  key: SuppressionKey,
  channel: SuppressedChannel,
  addresses: readonly string[],
  purpose: string | undefined,
): Statement {
  const { tenantId } = currentCaller();
  const hashes = addresses.flatMap((address) => hexHashes(key, channel, address));
  return {
    name: 'suppressions_of_addresses',
    sql: `select ${suppressionColumns}, encode(address_hash, 'hex') as hash from suppression
      where tenant_id = $1 and channel = $2
        and address_hash = any (array(select decode(jsonb_array_elements_text($3), 'hex')))
        and ($4::text is null or purpose is null or purpose = $4)
      order by id`,
    values: [tenantId, channel, JSON.stringify([...new Set(hashes)]), purpose ?? null],
  };
}

/** Reads rows of `SuppressionRow`: of addresses by any channel, and what comes from consents of customers. */
export function suppressionsOfCustomers(
  key: SuppressionKey,
  customerIds: readonly string[],
  addresses: readonly SuppressedAddress[],
): Statement {
  const { tenantId } = currentCaller();
  const hashed = addresses.flatMap(({ channel, address }) =>
    hexHashes(key, channel, address).map((hash) => ({ channel, hash })),
  );
  return {
    name: 'suppressions_of_customers',
    sql: `select ${suppressionColumns} from suppression
      where tenant_id = $1 and (customer_id = any ($2::uuid[]) or (channel, address_hash) in (
        select channel, decode(hash, 'hex') from jsonb_to_recordset($3) as own (channel text, hash text)))
      order by id`,
    values: [tenantId, customerIds, JSON.stringify(hashed)],
  };
}
