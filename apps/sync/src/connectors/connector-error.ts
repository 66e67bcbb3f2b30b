import type { FieldViolation } from '@rapport/platform';

/** Why a call of a connector failed. */
export type ConnectorErrorReason =
  /** The peer refuses the credentials, or they lack a permission. */
  | 'UNAUTHORISED'
  /** The peer refuses further requests for now. */
  | 'RATE_LIMITED'
  /** The peer is unreachable or fails. The same call may succeed later. */
  | 'UNAVAILABLE'
  /** The peer's records no longer match the configuration. */
  | 'SCHEMA_CHANGED'
  /** The peer cannot report the changes since the cursor any more: read everything again. */
  | 'CURSOR_EXPIRED'
  /** The configuration or the request is wrong; `violations` name the fields. */
  | 'INVALID'
  /** The connector lacks this capability, as its description says. */
  | 'UNSUPPORTED';

export interface ConnectorErrorDetails {
  /** Wrong fields of the configuration, by JSON Pointer, such as `/password`. */
  violations?: FieldViolation[];
  /** Delay after which a retry may succeed, in milliseconds. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/**
 * Error of a whole call; problems of single records are in the results instead. The message is for users and contains
 * neither secrets nor content of records.
 */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly violations: FieldViolation[];
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly reason: ConnectorErrorReason,
    message: string,
    details: ConnectorErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** INVALID, or another reason, for one field of the configuration. @param pointer such as `/password` */
export function configurationError(
  pointer: string,
  violation: Pick<FieldViolation, 'reason' | 'description'>,
  details: { reason?: ConnectorErrorReason; cause?: unknown } = {},
): ConnectorError {
  return new ConnectorError(details.reason ?? 'INVALID', `${pointer}: ${violation.description}`, {
    violations: [{ field: pointer, ...violation }],
    cause: details.cause,
  });
}

/** The cursor is of another connector, another peer, or an earlier release with another format. */
export function foreignCursor(): ConnectorError {
  return new ConnectorError('CURSOR_EXPIRED', 'The cursor does not belong to this connection. Read everything again.');
}
