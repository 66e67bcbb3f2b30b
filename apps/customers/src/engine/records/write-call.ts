import type { EntityManager } from '@mikro-orm/postgresql';
import {
  methodCall,
  writeOnce,
  writeStatementsOnce,
  type StatementTransaction,
  type WriteCall,
  type WriteMethod,
  type WriteRequest,
} from '@rapport/persistence';
import { currentSeal } from '../sealing/seal.js';
import { openAnswer, sealAnswer } from '../sealing/sealed-messages.js';

/** Does the work of a write in one transaction, once for each idempotency key, or only tries it when asked to. */
export async function writeCall<Request extends WriteRequest, Response extends object>(
  em: EntityManager,
  method: WriteMethod<Request, Response>,
  request: Request,
  work: (em: EntityManager) => Promise<Response>,
): Promise<Response> {
  return openAnswer(method.path, await writeOnce(em, callOf(method, request), work));
}

/** `writeCall` for frequent writes: see `writeStatementsOnce`. */
export async function hotWriteCall<Request extends WriteRequest, Response extends object>(
  em: EntityManager,
  method: WriteMethod<Request, Response>,
  request: Request,
  work: (transaction: StatementTransaction) => Promise<Response>,
): Promise<Response> {
  return openAnswer(method.path, await writeStatementsOnce(em, callOf(method, request), work));
}

/** The stored response is encrypted for a tenant that encrypts. */
function callOf<Request extends WriteRequest, Response extends object>(
  method: WriteMethod<Request, Response>,
  request: Request,
): WriteCall<Response> {
  if (request.validateOnly) currentSeal()?.storeNoKeys();
  return methodCall(method, request, {
    hashKey: currentSeal()?.hashKey,
    encode: (response) => method.responseSerialize(sealAnswer(method.path, response)),
    decode: (bytes) => method.responseDeserialize(Buffer.from(bytes)),
  });
}
