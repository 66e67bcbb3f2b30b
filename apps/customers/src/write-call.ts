import type { EntityManager } from '@mikro-orm/postgresql';
import { writeOnce, writeStatementsOnce, type StatementTransaction, type WriteCall } from '@rapport/persistence';

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
export function writeCall<Request extends WriteRequest, Response>(
  em: EntityManager,
  method: Method<Request, Response>,
  request: Request,
  work: (em: EntityManager) => Promise<Response>,
): Promise<Response> {
  return writeOnce(em, callOf(method, request), work);
}

/** As `writeCall`, for the writes of which there are many: see `writeStatementsOnce`. */
export function hotWriteCall<Request extends WriteRequest, Response>(
  em: EntityManager,
  method: Method<Request, Response>,
  request: Request,
  work: (transaction: StatementTransaction) => Promise<Response>,
): Promise<Response> {
  return writeStatementsOnce(em, callOf(method, request), work);
}

function callOf<Request extends WriteRequest, Response>(
  method: Method<Request, Response>,
  request: Request,
): WriteCall<Response> {
  return {
    method: method.path,
    requestId: request.requestId,
    validateOnly: request.validateOnly ?? false,
    request: method.requestSerialize({ ...request, requestId: undefined, validateOnly: undefined }),
    encode: method.responseSerialize,
    decode: (bytes) => method.responseDeserialize(Buffer.from(bytes)),
  };
}
