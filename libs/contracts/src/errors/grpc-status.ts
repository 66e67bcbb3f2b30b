import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { AppError, type ErrorCode, type ViolationCode } from '@rapport/platform';
import { BadRequest, ErrorInfo, RetryInfo } from '../gen/google/rpc/error_details.js';
import { Status } from '../gen/google/rpc/status.js';

const detailsKey = 'grpc-status-details-bin';
const typeUrl = 'type.googleapis.com/google.rpc.';
const domain = 'rapport';
/** grpc-js reports it by this text only, without the code of the stream. */
const refusal = 'Stream refused by server';
/** The text of each of its load balancers. */
const noConnection = 'No connection established';

/** The wire form of an AppError: a gRPC status with google.rpc error details (AIP-193). */
export interface GrpcStatus {
  code: status;
  details: string;
  metadata: Metadata;
}

export function toGrpcStatus(error: AppError): GrpcStatus {
  const metadata = new Metadata();
  metadata.set(detailsKey, packStatus(error));
  return { code: status[error.code], details: error.message, metadata };
}

/** A google.rpc.Status with the details of the error, encoded. */
export function packStatus(error: AppError): Buffer {
  const details = [
    any('ErrorInfo', ErrorInfo.encode({ reason: error.reason, domain, metadata: error.metadata }).finish()),
    ...(error.violations.length > 0 ? [any('BadRequest', encodeViolations(error))] : []),
    ...(error.retryAfterSeconds === undefined
      ? []
      : [any('RetryInfo', RetryInfo.encode({ retryDelay: { seconds: error.retryAfterSeconds, nanos: 0 } }).finish())]),
  ];
  return Buffer.from(Status.encode({ code: status[error.code], message: error.message, details }).finish());
}

/**
 * Converts a failed call to an AppError. A status without our details comes from the transport or a foreign server; its
 * text is never shown to clients.
 */
export function fromGrpcError(error: ServiceError): AppError {
  const packed = error.metadata.get(detailsKey)[0];
  return Buffer.isBuffer(packed) ? unpackStatus(error.code, packed, error) : transportError(error);
}

/** The error that `packStatus` has encoded. @throws Error when it can't be read */
export function unpackStatus(code: status, packed: Uint8Array, cause?: Error): AppError {
  const { message, details } = Status.decode(packed);
  const info = find(details, 'ErrorInfo', (bytes) => ErrorInfo.decode(bytes));
  const retry = find(details, 'RetryInfo', (bytes) => RetryInfo.decode(bytes));
  const violations = find(details, 'BadRequest', (bytes) => BadRequest.decode(bytes))?.fieldViolations ?? [];
  return new AppError(errorCode(code), info?.reason ?? 'INTERNAL', message, {
    ...(cause && { cause }),
    // A process of another version may have other codes.
    violations: violations.map(({ reason, ...rest }) => ({ ...rest, reason: reason as ViolationCode })),
    metadata: info?.metadata ?? {},
    ...(retry?.retryDelay ? { retryAfterSeconds: retry.retryDelay.seconds } : {}),
  });
}

/** The failure of a call that a service has not begun: `wasRefused` is true for it. */
export function refusedCall(): AppError {
  return transportError({ code: status.UNAVAILABLE, details: refusal });
}

/** Whether an ending connection refused the call before it was processed (REFUSED_STREAM; RFC 9113, section 8.7). */
export function wasRefused(error: unknown): boolean {
  return error instanceof AppError && (error.cause as Partial<ServiceError> | undefined)?.details === refusal;
}

/** Whether a call failed for want of a connection: no service has received it. */
export function hadNoConnection(error: unknown): boolean {
  const details = error instanceof AppError && (error.cause as Partial<ServiceError> | undefined)?.details;
  return typeof details === 'string' && details.includes(noConnection);
}

/** Converts a failure of the transport to an AppError. */
export function transportError(error: Pick<ServiceError, 'code' | 'details'>): AppError {
  switch (isBroken(error) ? status.UNAVAILABLE : error.code) {
    case status.UNAVAILABLE:
    // A caller that cancels does not wait for the answer, so the other side has cancelled.
    case status.CANCELLED:
      return new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'A service can not be reached. Try again.', {
        cause: error,
        retryAfterSeconds: 1,
      });
    case status.DEADLINE_EXCEEDED:
      return new AppError('DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'The answer took too long. Try again.', {
        cause: error,
      });
    default:
      return new AppError('INTERNAL', 'INTERNAL', 'Something went wrong on our side.', { cause: error });
  }
}

/** Whether the connection of a call broke, which grpc-js reports as INTERNAL. */
function isBroken({ code, details }: Pick<ServiceError, 'code' | 'details'>): boolean {
  return code === status.INTERNAL && details.startsWith('Received RST_STREAM');
}

function errorCode(code: status): ErrorCode {
  const name = status[code];
  return name === 'OK' || name === 'UNKNOWN' || name === 'DATA_LOSS' ? 'INTERNAL' : (name as ErrorCode);
}

function encodeViolations(error: AppError): Uint8Array {
  return BadRequest.encode(BadRequest.fromPartial({ fieldViolations: error.violations })).finish();
}

function any(type: string, value: Uint8Array) {
  return { typeUrl: typeUrl + type, value: Buffer.from(value) };
}

function find<T>(
  details: { typeUrl: string; value: Uint8Array }[],
  type: string,
  decode: (bytes: Uint8Array) => T,
): T | undefined {
  const detail = details.find((candidate) => candidate.typeUrl === typeUrl + type);
  return detail && decode(detail.value);
}
