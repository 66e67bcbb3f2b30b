export interface WriteCall<Response> {
  /** Full gRPC path. A key that comes back with another method is refused. */
  method: string;
  /** The caller's idempotency key. Without it the write is done each time. */
  requestId: string | undefined;
  /** True to do the write, answer, and leave nothing of it (AIP-163). */
  validateOnly?: boolean;
  /** The encoded request without its request id. */
  request: Uint8Array;
  /** Makes the hash of the request, which is kept, one that nobody can try requests against. */
  hashKey?: Buffer | undefined;
  encode(response: Response): Uint8Array;
  decode(bytes: Uint8Array): Response;
}

/** A method as ts-proto generates it. */
export interface WriteMethod<Request, Response> {
  path: string;
  requestSerialize: (request: Request) => Buffer;
  responseSerialize: (response: Response) => Buffer;
  responseDeserialize: (bytes: Buffer) => Response;
}

/** The fields that requests of writes have for the write itself. */
export interface WriteRequest {
  requestId?: string | undefined;
  validateOnly?: boolean | undefined;
}

/** The call of a write method. @param seals how the stored answer is protected */
export function methodCall<Request extends WriteRequest, Response>(
  method: WriteMethod<Request, Response>,
  request: Request,
  seals: Pick<WriteCall<Response>, 'hashKey' | 'encode' | 'decode'>,
): WriteCall<Response> {
  return {
    method: method.path,
    requestId: request.requestId,
    validateOnly: request.validateOnly ?? false,
    // Made for a call with a key only.
    get request() {
      return method.requestSerialize({ ...request, requestId: undefined, validateOnly: undefined });
    },
    ...seals,
  };
}
