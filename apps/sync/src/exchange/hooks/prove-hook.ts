import { randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, withConnection } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { ConnectorError } from '../../connectors/connector-error.js';
import type { WebhookDelivery } from '../../connectors/connector.js';
import { rowOwner } from '../../storage/sealed-row.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { Connection } from '../connections/connection.entity.js';
import { foundConnector, openSecrets } from '../connections/open-connection.js';

/** The fields of a connection that verifying a webhook needs. */
export type HookConnection = Pick<Connection, 'tenantId' | 'id' | 'connector' | 'settings' | 'sealedSecrets'>;

/** A webhook with a verified signature. */
export interface ProvenHook {
  connection: HookConnection;
  messageId: string;
}

/**
 * Finds the connection of a webhook, whose connector verifies the signature. The answer does not reveal whether the
 * connection exists: a decoy with the same amount of work replaces one that does not exist or takes no webhooks.
 */
export class HookProver {
  readonly #decoy: HookConnection;

  constructor(private readonly envelope: SecretEnvelope) {
    this.#decoy = decoy(envelope);
  }

  /** @throws AppError UNAUTHENTICATED HOOK_NOT_PROVEN */
  async prove(em: EntityManager, connectionId: string, delivery: WebhookDelivery): Promise<ProvenHook> {
    const found = await findConnection(em, connectionId);
    const isTaking = found !== undefined && foundConnector(found.connector).verifyWebhook !== undefined;
    const connection = isTaking ? found : this.#decoy;
    try {
      const configuration = { ...connection.settings, ...openSecrets(this.envelope, connection) };
      const verified = foundConnector(connection.connector).verifyWebhook?.(configuration, delivery);
      if (verified && isTaking) return { connection, messageId: verified.deliveryId };
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
    }
    throw notProven();
  }
}

/** UNAUTHENTICATED with all possible reasons: naming the actual one would reveal too much. */
export function notProven(): AppError {
  const message = 'The connection does not exist or receives no webhooks, or the signature is wrong or too old.';
  return new AppError('UNAUTHENTICATED', 'HOOK_NOT_PROVEN', message);
}

/** Sets the tenant of the connection, in one round trip even if there is none. */
async function findConnection(em: EntityManager, connectionId: string): Promise<HookConnection | undefined> {
  const [, found] = await withConnection(em, (client) =>
    pipeline(client, [
      {
        name: 'work_for_hook_address',
        sql: `select set_config('app.tenant_id',
          coalesce((select tenant_id::text from hook_address where connection_id = $1), ''), true)`,
        values: [connectionId],
      },
      {
        name: 'find_hook_connection',
        sql: `select tenant_id as "tenantId", id, connector, settings, sealed_secrets as "sealedSecrets" from connection
          where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and id = $1`,
        values: [connectionId],
      },
    ]),
  );
  return found?.rows[0] as HookConnection | undefined;
}

/** A connection without an owner, with a random secret. */
function decoy(envelope: SecretEnvelope): HookConnection {
  const ids = { tenantId: uuidv7(), id: uuidv7() };
  const settings = {
    ...{ engine: 'POSTGRESQL', host: 'decoy.example', port: 5_432, database: 'decoy', user: 'decoy' },
    ...{ table: 'decoy', idColumn: 'id', updatedColumn: 'updated_at' },
  };
  const secrets = { password: 'decoy', webhookSecret: `whsec_${randomBytes(32).toString('base64')}` };
  const sealedSecrets = envelope.seal(
    Buffer.from(JSON.stringify(secrets)),
    rowOwner('connection', ids.tenantId, ids.id),
  );
  return { ...ids, connector: 'sql', settings, sealedSecrets };
}
