import type { HttpHeader } from '@rapport/contracts/rapport/api/v1/http_header';
import { signedDelivery, webhookSecretPattern } from '../../connectors/standard-webhook.js';

const secretPattern = new RegExp(webhookSecretPattern);

/** Whether senders can sign with a secret. */
export function isHookSecret(secret: string): boolean {
  return secretPattern.test(secret);
}

/** What a sender signs. */
interface SignedCall {
  headers: readonly HttpHeader[];
  /** The bytes as they were sent. */
  body: Uint8Array;
}

/**
 * Verifies a call by the scheme `v1` of Standard Webhooks.
 *
 * @returns the `webhook-id`; undefined if the call is not signed with the secret, or not in the last five minutes
 */
export function signedCallId(secret: string, { headers, body }: SignedCall): string | undefined {
  if (!isHookSecret(secret)) return undefined;
  const byName = Object.fromEntries(headers.map(({ name, value }) => [name, value]));
  return signedDelivery(secret, { headers: byName, body })?.deliveryId;
}
