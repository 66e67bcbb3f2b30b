import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { cutText } from '@rapport/platform';
import type { ConnectedRelay } from '../relays/connect-relay.js';
import type { StoredDkim } from '../relays/relay.entity.js';
import type { RelayFault } from '../relays/relay-session.js';

/** A relay, and the mailboxes that send by it. */
export interface SendingRelay extends ConnectedRelay {
  dkim: StoredDkim | null;
  maxConnections: number;
  maxPerConnection: number;
  maxPerMinute: number;
  hasRampUp: boolean;
  version: number;
  state: 'ACTIVE' | 'FAILING' | 'REAUTH';
  mailboxIds: string[];
}

/** The relays of a tenant that can be tried. One that refuses the credentials waits for others. */
export function findSendingRelays(em: EntityManager, tenantId: string): Promise<SendingRelay[]> {
  return readForTenant<SendingRelay>(em, {
    sql: `select relay.tenant_id as "tenantId", relay.id, host, port, security, sign_in as "signIn", relay.dkim,
        relay.sealed_secrets as "sealedSecrets", max_connections as "maxConnections",
        max_per_connection as "maxPerConnection", max_per_minute as "maxPerMinute",
        ramp_up is not null as "hasRampUp", relay.version, relay.state,
        array_agg(mailbox.id::text order by mailbox.id) as "mailboxIds"
      from relay join mailbox on mailbox.tenant_id = relay.tenant_id and mailbox.relay_id = relay.id
      where relay.tenant_id = $1 and relay.state <> 'REAUTH'
      group by relay.tenant_id, relay.id order by relay.id limit 20`,
    values: [tenantId],
  });
}

/** Stores whether a relay works, unless it has changed meanwhile. */
export async function noteRelayState(
  em: EntityManager,
  { tenantId, id, version }: SendingRelay,
  fault: { reason: RelayFault; description: string } | undefined,
): Promise<void> {
  const state = !fault ? 'ACTIVE' : fault.reason === 'UNAUTHORISED' ? 'REAUTH' : 'FAILING';
  await readForTenant(em, {
    sql: `update relay set state = $4, state_reason = $5 where tenant_id = $1 and id = $2 and version = $3
      and (state <> $4 or state_reason is distinct from $5)`,
    values: [tenantId, id, version, state, fault ? cutText(`${fault.reason}: ${fault.description}`, 500) : null],
  });
}
