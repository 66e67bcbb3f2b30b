import { timingSafeEqual } from 'node:crypto';
import { hmac } from '@rapport/platform';
import { ConnectorError } from './connector-error.js';
import type { VerifiedWebhook, WebhookDelivery } from './connector.js';

/** Maximum age of a delivery in seconds, against replays. */
const toleranceSeconds = 5 * 60;

/** Pattern of a secret: at least 24 bytes in base64. */
export const webhookSecretPattern = '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$';

/**
 * Verifies the signature of a delivery by Standard Webhooks, with the symmetric scheme `v1`.
 *
 * @throws ConnectorError UNAUTHORISED for a wrong signature or an old timestamp
 */
export function verifyStandardWebhook(secret: string, delivery: WebhookDelivery, now = Date.now()): VerifiedWebhook {
  const verified = signedDelivery(secret, delivery, now);
  if (verified) return verified;
  throw new ConnectorError('UNAUTHORISED', 'The delivery is not signed with the secret of this connection.');
}

/**
 * A delivery that is signed with a secret by Standard Webhooks.
 *
 * @param secret that matches `webhookSecretPattern`
 * @returns undefined for a wrong signature or an old timestamp
 */
export function signedDelivery(
  secret: string,
  { headers, body }: WebhookDelivery,
  now = Date.now(),
): VerifiedWebhook | undefined {
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures = '' } = headers;
  const isNow = /^\d{1,12}$/.test(timestamp) && Math.abs(now / 1_000 - Number(timestamp)) <= toleranceSeconds;
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const expected = hmac(key).update(`${id}.${timestamp}.`).update(body).digest();
  const fits = signatures.split(' ').some((signature) => {
    const given = Buffer.from(/^v1,(.*)$/.exec(signature)?.[1] ?? '', 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  return id !== '' && isNow && fits ? { deliveryId: id } : undefined;
}
