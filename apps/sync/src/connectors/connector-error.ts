import type { FieldViolation } from '@rapport/platform';

/** Why a connector could not do what it was asked. */
export type ConnectorErrorReason =
  /** The peer does not accept the credentials, or gives them no right to what was asked. */
  | 'UNAUTHORISED'
  /** The peer takes no more for now. */
  | 'RATE_LIMITED'
  /** The peer can't be reached or fails. The same call may succeed later. */
  | 'UNAVAILABLE'
  /** The peer's records no longer have the shape that the configuration speaks of. */
  | 'SCHEMA_CHANGED'
  /** The peer no longer knows what changed since the cursor: read everything again. */
  | 'CURSOR_EXPIRED'
  /** The configuration or the request is wrong; `violations` name the fields. */
  | 'INVALID'
  /** The connector does not have this capability, as its description says. */
  | 'UNSUPPORTED';

export interface ConnectorErrorDetails {
  /** Wrong fields, of the configuration by JSON Pointer, such as `/password`. */
  violations?: FieldViolation[];
  /** When a retry may succeed, in milliseconds. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/**
 * What a connector throws when a whole call fails; what is wrong with one record is in the results instead. The message
 * is for people and has neither secrets nor what records hold.
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
  violation: { reason: string; description: string },
  details: { reason?: ConnectorErrorReason; cause?: unknown } = {},
): ConnectorError {
  return new ConnectorError(details.reason ?? 'INVALID', `${pointer}: ${violation.description}`, {
    violations: [{ field: pointer, ...violation }],
    cause: details.cause,
  });
}

/** The cursor was made by another connector, for another peer, or before one of our releases changed its form. */
export function foreignCursor(): ConnectorError {
  return new ConnectorError('CURSOR_EXPIRED', 'The cursor is not one of this connection. Read everything again.');
}
