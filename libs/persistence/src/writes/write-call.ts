export interface WriteCall<Response> {
  /** Full gRPC path. A key that is used again with another method is refused. */
  method: string;
  /** The caller's idempotency key. Without one, each call writes. */
  requestId: string | undefined;
  /** True to run the write, respond, and roll back (AIP-163). */
  validateOnly?: boolean;
  /** The encoded request without its request id. */
  request: Uint8Array;
  /** Keys the stored hash of the request, so that nobody can test guessed requests against it. */
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
