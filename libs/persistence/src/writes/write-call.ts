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
