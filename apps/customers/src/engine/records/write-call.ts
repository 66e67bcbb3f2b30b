import type { EntityManager } from '@mikro-orm/postgresql';
import { writeOnce, writeStatementsOnce, type StatementTransaction, type WriteCall } from '@rapport/persistence';
import { currentSeal } from '../sealing/seal.js';
import { openAnswer, sealAnswer } from '../sealing/sealed-messages.js';

/** What requests of writes have in common. */
interface WriteRequest {
  requestId?: string | undefined;
  validateOnly?: boolean | undefined;
}

/** A method as ts-proto generates it. */
interface Method<Request, Response> {
  path: string;
  requestSerialize: (request: Request) => Buffer;
  responseSerialize: (response: Response) => Buffer;
  responseDeserialize: (bytes: Buffer) => Response;
}

/** Does the work of a write in one transaction, once for each idempotency key, or only tries it when asked to. */
export async function writeCall<Request extends WriteRequest, Response extends object>(
  em: EntityManager,
  method: Method<Request, Response>,
  request: Request,
  work: (em: EntityManager) => Promise<Response>,
): Promise<Response> {
  return openAnswer(method.path, await writeOnce(em, callOf(method, request), work));
}

/** As `writeCall`, for the writes of which there are many: see `writeStatementsOnce`. */
export async function hotWriteCall<Request extends WriteRequest, Response extends object>(
  em: EntityManager,
  method: Method<Request, Response>,
  request: Request,
  work: (transaction: StatementTransaction) => Promise<Response>,
): Promise<Response> {
  return openAnswer(method.path, await writeStatementsOnce(em, callOf(method, request), work));
}

/** What is kept of the call for its repetitions is sealed, when the call seals. */
function callOf<Request extends WriteRequest, Response extends object>(
  method: Method<Request, Response>,
  request: Request,
): WriteCall<Response> {
  return {
    method: method.path,
    requestId: request.requestId,
    validateOnly: request.validateOnly ?? false,
    // Made for a call with a key only.
    get request() {
      return method.requestSerialize({ ...request, requestId: undefined, validateOnly: undefined });
    },
    hashKey: currentSeal()?.hashKey,
    encode: (response) => method.responseSerialize(sealAnswer(method.path, response)),
    decode: (bytes) => method.responseDeserialize(Buffer.from(bytes)),
  };
}
