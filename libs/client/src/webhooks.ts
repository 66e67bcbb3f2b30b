import type { WebhookEvent } from './gen/messages.js';

export type { WebhookEvent };

/** A webhook whose signature is right. */
export interface WebhookMessage {
  /** The same for every attempt. Ignore a message whose id you have processed. */
  id: string;
  /** When the attempt was made. */
  time: Date;
  event: WebhookEvent;
}

export type WebhookErrorCode = 'HEADER_MISSING' | 'KEY_INVALID' | 'TIMESTAMP_OUT_OF_RANGE' | 'SIGNATURE_WRONG';

/** A webhook that is not from Rapport, or too old. Answer 401. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';

  constructor(
    readonly code: WebhookErrorCode,
    message: string,
  ) {
    super(message);
  }
}

export interface VerifyOptions {
  /** How far the clocks may differ, in seconds. Defaults to 300. */
  toleranceSeconds?: number | undefined;
  /** The current time. */
  now?: Date | undefined;
}

/** By the prefix of a key: the version of its signatures, and how WebCrypto knows them. */
const algorithms = {
  whsec_: { version: 'v1', name: 'HMAC', import: { name: 'HMAC', hash: 'SHA-256' } },
  whpk_: { version: 'v1a', name: 'Ed25519', import: { name: 'Ed25519' } },
} as const;

/**
 * Checks the signature of a webhook as Standard Webhooks says (<https://www.standardwebhooks.com>).
 *
 * @param body the body as it arrived
 * @param keys secrets (`whsec_…`) or public keys (`whpk_…`) of the endpoint; while they rotate, any of them
 * @throws WebhookError unless a key has made one of the signatures in time
 */
export async function verify(
  headers: Headers | Readonly<Record<string, string | string[] | undefined>>,
  body: string | Uint8Array,
  keys: string | readonly string[],
  { toleranceSeconds = 300, now = new Date() }: VerifyOptions = {},
): Promise<WebhookMessage> {
  const id = headerOf(headers, 'webhook-id');
  const timestamp = headerOf(headers, 'webhook-timestamp');
  const signatures = headerOf(headers, 'webhook-signature').split(' ');
  const time = new Date(Number(timestamp) * 1_000);
  if (!/^\d+$/.test(timestamp) || Math.abs(now.getTime() - time.getTime()) > toleranceSeconds * 1_000) {
    throw new WebhookError('TIMESTAMP_OUT_OF_RANGE', 'The webhook is too old, or the clocks differ.');
  }
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const content = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const signed = await new Blob([`${id}.${timestamp}.`, new Uint8Array(content)]).arrayBuffer();
  for (const key of [keys].flat()) {
    if (await isSigned(signed, signatures, key)) return { id, time, event: JSON.parse(text) as WebhookEvent };
  }
  throw new WebhookError('SIGNATURE_WRONG', 'No signature of the webhook is right.');
}

async function isSigned(content: ArrayBuffer, signatures: readonly string[], text: string): Promise<boolean> {
  const prefix = text.slice(0, text.indexOf('_') + 1);
  const bytes = bytesOf(text.slice(prefix.length));
  if (!(prefix === 'whsec_' || prefix === 'whpk_') || !bytes) {
    throw new WebhookError('KEY_INVALID', 'A key begins with whsec_ or whpk_, and base64 follows.');
  }
  const algorithm = algorithms[prefix];
  const key = await crypto.subtle.importKey('raw', bytes, algorithm.import, false, ['verify']);
  for (const signature of signatures) {
    const [version, value = ''] = signature.split(',', 2);
    const given = version === algorithm.version ? bytesOf(value) : undefined;
    // Takes the same time wherever the two differ.
    if (given && (await crypto.subtle.verify(algorithm.name, key, given, content))) return true;
  }
  return false;
}

function headerOf(headers: Parameters<typeof verify>[0], name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : [headers[name] ?? []].flat().join(' ');
  if (!value) throw new WebhookError('HEADER_MISSING', `The webhook has no header ${name}.`);
  return value;
}

/** The bytes of base64 in its only form; undefined for other text. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return undefined;
  const binary = atob(base64);
  if (btoa(binary) !== base64) return undefined;
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
