import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FailedAuthentications } from './failed-authentications.js';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

describe('failed authentications', () => {
  it('are limited by address, for a minute', () => {
    const failed = new FailedAuthentications(2);
    failed.take('192.0.2.1');
    failed.take('192.0.2.1');

    const refusal = { reason: 'TOO_MANY_FAILED_AUTHENTICATIONS', retryAfterSeconds: 60 };
    expect(() => failed.take('192.0.2.1')).toThrow(expect.objectContaining(refusal) as Error);
    expect(() => failed.take('192.0.2.2')).not.toThrow();
    vi.advanceTimersByTime(60_000);
    expect(() => failed.take('192.0.2.1')).not.toThrow();
  });

  it('count only wrong credentials', () => {
    const failed = new FailedAuthentications(1);
    failed.take('192.0.2.1')();

    expect(() => failed.take('192.0.2.1')).not.toThrow();
  });
});
