import { describe, expect, it } from 'vitest';
import { verifyStandardWebhook } from './standard-webhook.js';

/** The example of the Standard Webhooks specification and its libraries. */
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const signature = `v1,${['g0hM9SsE+OTPJTGt', 'tmIKtSyZlE3uFJELVlNIOLJ1OE='].join('/')}`;
const sentAt = 1_614_265_330_000;
const delivery = (change: Record<string, string> = {}, body = '{"test": 2432232314}') => ({
  headers: {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': signature,
    ...change,
  },
  body: Buffer.from(body),
});

describe('a delivery of Standard Webhooks', () => {
  it('is verified by any of its signatures', () => {
    const expected = { deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek' };
    expect(verifyStandardWebhook(secret, delivery(), sentAt)).toEqual(expected);
    const several = delivery({ 'webhook-signature': `v1a,xyz v1,AAAA ${signature}` });
    expect(verifyStandardWebhook(secret, several, sentAt)).toEqual(expected);
  });

  it('is refused when anything that is signed differs, when it is old, and when it is of the future', () => {
    const wrong = [
      delivery({ 'webhook-id': 'msg_other' }),
      delivery({ 'webhook-timestamp': '1614265331' }),
      delivery({ 'webhook-signature': 'v1,' }),
      delivery({ 'webhook-signature': '' }),
      delivery({}, '{"test": 2432232315}'),
    ];
    for (const each of wrong) expect(() => verifyStandardWebhook(secret, each, sentAt)).toThrow('not signed');
    for (const now of [sentAt + 301_000, sentAt - 301_000]) {
      expect(() => verifyStandardWebhook(secret, delivery(), now)).toThrow('not signed');
    }
  });
});
