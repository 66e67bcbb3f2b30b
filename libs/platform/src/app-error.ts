/** The canonical gRPC codes that an operation answers with. Source: google.rpc.Code. */
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

/** One wrong field of a request. */
export interface FieldViolation {
  /** Path in the request message by JSON names, such as `customer.emails[0].address`. */
  field: string;
  /** UPPER_SNAKE reason that programs can rely on, such as `TOO_LONG`. */
  reason: string;
  /** A sentence for people. */
  description: string;
}

export interface AppErrorDetails {
  violations?: FieldViolation[];
  /** Facts for programs, such as the id of the record in the way. Never secrets, never another tenant's data. */
  metadata?: Record<string, string>;
  /** When a retry may succeed, in seconds. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/**
 * An error that a caller is told about: it travels as gRPC status with details and leaves the edge as a problem answer.
 * Anything else that is thrown becomes INTERNAL without detail.
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

/** INVALID_ARGUMENT that names each wrong field. */
export function invalidArgument(violations: FieldViolation[]): AppError {
  const [first] = violations;
  const message = first ? `${first.field || 'request'}: ${first.description}` : 'The request is not valid.';
  return new AppError('INVALID_ARGUMENT', 'VALIDATION_FAILED', message, { violations });
}
