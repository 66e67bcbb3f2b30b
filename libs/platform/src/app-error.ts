import type { ViolationCode } from './violation-codes.js';

/** The canonical gRPC codes that an operation returns. Source: google.rpc.Code. */
export type ErrorCode =
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED';

/** One invalid field of a request. */
export interface FieldViolation {
  /** Path in the request message in JSON names, such as `customer.emails[0].address`. */
  field: string;
  /** For programs, such as `TOO_LONG`. */
  reason: ViolationCode;
  /** A sentence for the API's user. */
  description: string;
}

export interface AppErrorDetails {
  violations?: FieldViolation[];
  /** Facts for programs, such as the id of the conflicting record. Never secrets, never another tenant's data. */
  metadata?: Record<string, string>;
  /** Seconds after which a retry may succeed. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/**
 * An error that the caller sees: it crosses gRPC as a status with details, and the edge returns it as a problem (RFC
 * 9457). Any other error becomes INTERNAL without detail.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly violations: FieldViolation[];
  readonly metadata: Record<string, string>;
  readonly retryAfterSeconds: number | undefined;

  /**
   * @param reason UPPER_SNAKE, stable, such as `CUSTOMER_NOT_FOUND`
   * @param message safe to show to the caller
   */
  constructor(
    readonly code: ErrorCode,
    readonly reason: string,
    message: string,
    details: AppErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.violations = details.violations ?? [];
    this.metadata = details.metadata ?? {};
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

/** PERMISSION_DENIED for a caller that lacks `permission`. */
export function permissionMissing(permission: string): AppError {
  const metadata = { permission };
  return new AppError('PERMISSION_DENIED', 'PERMISSION_MISSING', `The permission ${permission} is needed.`, {
    metadata,
  });
}

/** INVALID_ARGUMENT that names each invalid field. */
export function invalidArgument(violations: FieldViolation[]): AppError {
  const [first] = violations;
  const message = first ? `${first.field || 'request'}: ${first.description}` : 'The request is not valid.';
  return new AppError('INVALID_ARGUMENT', 'VALIDATION_FAILED', message, { violations });
}

/** INVALID_ARGUMENT that names one field. @param field path in the request, such as `move.stage` */
export function invalidField(field: string, reason: ViolationCode, description: string): AppError {
  return invalidArgument([{ field, reason, description }]);
}
