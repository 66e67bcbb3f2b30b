import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { keyOwner } from './endpoint-keys.js';
import { WebhookEndpoint } from './webhook-endpoint.entity.js';

/**
 * Reseals the signing keys of a tenant's endpoints under the current master key, so that former master keys can be
 * removed soon. Sealed events expire instead.
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
