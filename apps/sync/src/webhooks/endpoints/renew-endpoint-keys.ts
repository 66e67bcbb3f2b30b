import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { keyOwner } from './endpoint-keys.js';
import { WebhookEndpoint } from './webhook-endpoint.entity.js';

/**
 * Seals what a tenant's endpoints sign with under the present master key, so that none of them needs a former one for long.
 * Events go in time.
 */
export async function renewEndpointKeys(em: EntityManager, tenantId: string, envelope: SecretEnvelope): Promise<void> {
  await em.transactional(async (tx) => {
    const options = { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } } as const;
    for (const endpoint of await tx.find(WebhookEndpoint, { tenantId }, options)) {
      const { sealedKeys, previousSealedKeys } = endpoint;
      const owner = keyOwner(endpoint);
      endpoint.sealedKeys = envelope.renew(sealedKeys, owner);
      endpoint.previousSealedKeys = previousSealedKeys && envelope.renew(previousSealedKeys, owner);
    }
  });
}
