import { Metadata, status } from '@grpc/grpc-js';
import { AppError } from '@rapport/platform';
import { describe, expect, it } from 'vitest';
import { fromGrpcError, toGrpcStatus } from './grpc-status.js';

function overTheWire(error: AppError): AppError {
  return fromGrpcError(Object.assign(new Error('12 text'), toGrpcStatus(error)));
}

describe('an error between services', () => {
  it('arrives as it was thrown', () => {
    const thrown = new AppError('ALREADY_EXISTS', 'EMAIL_TAKEN', 'Taken by Zoë.', {
      violations: [{ field: 'customer.emails[0].address', reason: 'EMAIL_TAKEN', description: 'is taken.' }],
      metadata: { customerId: 'c1' },
      retryAfterSeconds: 3,
    });
    const { code, reason, message, violations, metadata, retryAfterSeconds } = overTheWire(thrown);
    expect({ code, reason, message, violations, metadata, retryAfterSeconds }).toEqual({
      code: thrown.code,
      reason: thrown.reason,
      message: thrown.message,
      violations: thrown.violations,
      metadata: thrown.metadata,
      retryAfterSeconds: 3,
    });
  });

  it.each([
    [status.UNAVAILABLE, 'UNAVAILABLE', 'SERVICE_UNAVAILABLE'],
    [status.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'],
    [status.CANCELLED, 'UNAVAILABLE', 'SERVICE_UNAVAILABLE'],
    [status.UNKNOWN, 'INTERNAL', 'INTERNAL'],
    [status.UNIMPLEMENTED, 'INTERNAL', 'INTERNAL'],
  ])('keeps the text of a transport status %i inside', (code, expectedCode, reason) => {
    const raw = Object.assign(new Error('secret'), { code, details: 'secret', metadata: new Metadata() });
    const error = fromGrpcError(raw);
    expect(error).toMatchObject({ code: expectedCode, reason });
    expect(error.message).not.toContain('secret');
  });

  it('reports a broken connection as an unreachable service', () => {
    const details = 'Received RST_STREAM with code 2 triggered by internal client error: Session closed';
    const raw = Object.assign(new Error(details), { code: status.INTERNAL, details, metadata: new Metadata() });
    expect(fromGrpcError(raw)).toMatchObject({ code: 'UNAVAILABLE', reason: 'SERVICE_UNAVAILABLE' });
  });
});
