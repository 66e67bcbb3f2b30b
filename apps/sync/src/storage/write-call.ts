import type { EntityManager } from '@mikro-orm/postgresql';
import { writeOnce } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { SecretEnvelope } from './secret-envelope.js';

/** A method as ts-proto generates it. */
interface Method<Request, Response> {
  path: string;
  requestSerialize: (request: Request) => Buffer;
  responseSerialize: (response: Response) => Buffer;
  responseDeserialize: (bytes: Buffer) => Response;
}

/**
 * Does the work of a write in one transaction, once for each idempotency key. Answers are kept sealed: there are secrets in
 * some.
 */
export function writeCall<Request extends { requestId?: string | undefined }, Response>(
  em: EntityManager,
  envelope: SecretEnvelope,
  method: Method<Request, Response>,
  request: Request,
  work: (em: EntityManager) => Promise<Response>,
): Promise<Response> {
  const { tenantId, principalId } = currentCaller();
  const owner = `idempotency_key/${tenantId}/${principalId}`;
  const call = {
    method: method.path,
    requestId: request.requestId,
    request: method.requestSerialize({ ...request, requestId: undefined }),
    encode: (response: Response) => envelope.seal(method.responseSerialize(response), owner),
    decode: (bytes: Uint8Array) => method.responseDeserialize(envelope.open(Buffer.from(bytes), owner)),
  };
  return writeOnce(em, call, work);
}
