import type { EntityManager } from '@mikro-orm/postgresql';
import { methodCall, writeOnce, type WriteMethod, type WriteRequest } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { SecretEnvelope } from './secret-envelope.js';

/** Does the work of a write in one transaction, once for each idempotency key. Stored answers are sealed: some hold secrets. */
export function writeCall<Request extends WriteRequest, Response>(
  em: EntityManager,
  envelope: SecretEnvelope,
  method: WriteMethod<Request, Response>,
  request: Request,
  work: (em: EntityManager) => Promise<Response>,
): Promise<Response> {
  const { tenantId, principalId } = currentCaller();
  const owner = `idempotency_key/${tenantId}/${principalId}`;
  const call = methodCall<Request, Response>(method, request, {
    encode: (response) => envelope.seal(method.responseSerialize(response), owner),
    decode: (bytes) => method.responseDeserialize(envelope.open(Buffer.from(bytes), owner)),
  });
  return writeOnce(em, call, work);
}
