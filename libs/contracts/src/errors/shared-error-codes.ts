import type { ErrorCode } from '@rapport/platform';

/** A `code` of problems: the gRPC status that carries it, and what it means. */
export type ErrorCodeMeaning = readonly [grpc: ErrorCode, meaning: string];

/** Codes that any operation can answer, by what a request has. */
export const requestErrorCodes = {
  VALIDATION_FAILED: ['INVALID_ARGUMENT', 'A value of the request is wrong. `errors` names each wrong value.'],
  REQUEST_MALFORMED: ['INVALID_ARGUMENT', 'The request is not valid HTTP or JSON.'],
  CREDENTIAL_MISSING: ['UNAUTHENTICATED', 'The request has no API key or access token.'],
  CREDENTIAL_INVALID: ['UNAUTHENTICATED', 'The API key or access token is wrong, expired or revoked.'],
  PERMISSION_MISSING: ['PERMISSION_DENIED', 'The caller lacks the permission in `metadata.permission`.'],
  ETAG_MISMATCH: ['ABORTED', 'The resource changed since the etag in `If-Match`. Read it again.'],
  IDEMPOTENCY_KEY_REUSED: ['FAILED_PRECONDITION', 'The `Idempotency-Key` belongs to another request.'],
  IDEMPOTENCY_KEY_IN_USE: ['ABORTED', 'A request with this `Idempotency-Key` is in progress. Retry later.'],
  IDEMPOTENCY_ANSWER_ERASED: ['FAILED_PRECONDITION', 'An erasure removed the stored answer of this `Idempotency-Key`.'],
  CONCURRENT_WRITE: ['ABORTED', 'Another write held the same record. Retry.'],
  BODY_TOO_LARGE: ['INVALID_ARGUMENT', 'The body is larger than the operation accepts.'],
  CONTENT_TYPE_UNSUPPORTED: ['INVALID_ARGUMENT', 'The operation does not accept the `Content-Type`.'],
  REQUEST_TIMEOUT: ['ABORTED', 'The body arrived too slowly.'],
  RANGE_NOT_SATISFIABLE: ['OUT_OF_RANGE', 'The file has no byte of the `Range`.'],
  RATE_LIMITED: ['RESOURCE_EXHAUSTED', 'The rate budget of the key or its workspace is used up. Nothing was done.'],
  TOO_MANY_CONCURRENT: ['RESOURCE_EXHAUSTED', 'The workspace has too many calls in progress. Nothing was done.'],
  TOO_MANY_FAILED_AUTHENTICATIONS: ['RESOURCE_EXHAUSTED', 'Too many wrong credentials came from this address.'],
  INTERNAL: ['INTERNAL', 'The server failed. Send `requestId` to support.'],
  OVERLOADED: ['UNAVAILABLE', 'The server has no capacity for this class of calls. Nothing was done.'],
  SERVICE_UNAVAILABLE: ['UNAVAILABLE', 'A service is unreachable. Retry with the same `Idempotency-Key`.'],
  SERVICE_STOPPING: ['UNAVAILABLE', 'The server restarts. Reconnect, and continue from the last cursor.'],
  DATABASE_UNAVAILABLE: ['UNAVAILABLE', 'The database is unreachable. Retry.'],
  DATABASE_TIMEOUT: ['DEADLINE_EXCEEDED', 'The database took too long. Ask for less, or retry.'],
  STORAGE_FULL: ['RESOURCE_EXHAUSTED', 'The volume of the database is full. Nothing was done. Reads go on.'],
  KEYS_LOST: ['UNAVAILABLE', 'An encryption key of the personal data is missing.'],
  KEYS_UNAVAILABLE: ['UNAVAILABLE', 'The database of encryption keys is unreachable. Retry.'],
  DEADLINE_EXCEEDED: ['DEADLINE_EXCEEDED', 'The operation took too long. Retry with the same `Idempotency-Key`.'],
} as const satisfies Record<string, ErrorCodeMeaning>;

/** Codes of requests that reach no operation. */
export const transportErrorCodes: Record<string, ErrorCodeMeaning> = {
  PAGE_NOT_FOUND: ['NOT_FOUND', 'The link of a public page is unknown, used or revoked.'],
  ROUTE_UNKNOWN: ['NOT_FOUND', 'No operation has this path.'],
  METHOD_NOT_ALLOWED: ['INVALID_ARGUMENT', 'The path does not support this method. `Allow` lists those that it does.'],
  METHOD_UNKNOWN: ['UNIMPLEMENTED', 'The server does not know this method.'],
  URL_TOO_LONG: ['INVALID_ARGUMENT', 'The URL is too long.'],
  HEADERS_TOO_LARGE: ['INVALID_ARGUMENT', 'The URL and the headers together are too long.'],
  EXPECTATION_FAILED: ['INVALID_ARGUMENT', 'The server supports no expectation except `100-continue`.'],
  CANCELLED: ['CANCELLED', 'The client closed the connection before the answer.'],
  RIGHTS_CHANGED: ['ABORTED', 'The rights of the caller changed while the stream was open. Reconnect.'],
  ACCESS_TOKEN_INVALID: ['UNAUTHENTICATED', 'The access token is wrong, expired or revoked.'],
  API_KEY_INVALID: ['UNAUTHENTICATED', 'The API key is wrong, expired or revoked.'],
  CREDENTIALS_ENDED: ['UNAUTHENTICATED', 'The workspace is closed.'],
  PRINCIPAL_ENDED: ['PERMISSION_DENIED', 'The user or API key was disabled or deleted.'],
  PRINCIPAL_MISSING: ['UNAUTHENTICATED', 'A gRPC call between services names no principal.'],
  PRINCIPAL_INVALID: ['UNAUTHENTICATED', 'The principal of a gRPC call between services is not valid.'],
  PRINCIPAL_UNSUPPORTED: ['PERMISSION_DENIED', 'The method does not serve this kind of principal.'],
  CALLER_NOT_ALLOWED: ['PERMISSION_DENIED', 'The certificate of the process gives no access to the service.'],
  FRAME_INVALID: ['INVALID_ARGUMENT', 'A frame of a gRPC stream between services is not valid.'],
};
