import { createHmac, randomBytes } from 'node:crypto';

/** Whose an OAuth client is, and its id. */
export interface ClientKey {
  tenantId: string;
  id: string;
}

/**
 * The text of `client_id`, 43 characters of base64url: the tenant's UUID and the client's. The tenant is in it because nothing
 * can be looked up without a tenant.
 */
export function formatClientId({ tenantId, id }: ClientKey): string {
  return Buffer.from(`${tenantId}${id}`.replaceAll('-', ''), 'hex').toString('base64url');
}

/** Undefined when the text is no `client_id` of ours. */
export function parseClientId(text: string): ClientKey | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== 32 || bytes.toString('base64url') !== text) return undefined;
  return { tenantId: formatUuid(bytes.subarray(0, 16)), id: formatUuid(bytes.subarray(16)) };
}

/** A new secret of a confidential client, with 256 random bits. */
export function generateClientSecret(): string {
  return `rpt_secret_${randomBytes(32).toString('base64url')}`;
}

/** What is stored of a secret. A copy of the database does not help to guess it, since it lacks `hmacKey` (32 bytes). */
export function hashClientSecret(hmacKey: Buffer, secret: string): Buffer {
  return createHmac('sha256', hmacKey).update(`oauth-client:${secret}`).digest();
}

function formatUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
