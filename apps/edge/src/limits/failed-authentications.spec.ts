import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FailedAuthentications, networkOf } from './failed-authentications.js';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

describe('failed authentications', () => {
  it('are bounded for each address, a minute long', () => {
    const failed = new FailedAuthentications(2);
    failed.take('192.0.2.1');
    failed.take('192.0.2.1');

    const refusal = { reason: 'TOO_MANY_FAILED_AUTHENTICATIONS', retryAfterSeconds: 60 };
    expect(() => failed.take('192.0.2.1')).toThrow(expect.objectContaining(refusal) as Error);
    expect(() => failed.take('192.0.2.2')).not.toThrow();
    vi.advanceTimersByTime(60_000);
    expect(() => failed.take('192.0.2.1')).not.toThrow();
  });

  it('do not count what was no wrong credential', () => {
    const failed = new FailedAuthentications(1);
    failed.take('192.0.2.1')();

    expect(() => failed.take('192.0.2.1')).not.toThrow();
  });
});

describe('the network of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::a:b:c:d', '2001:db8:0:0'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['2001:db8:1:2::', '2001:db8:1:2'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
