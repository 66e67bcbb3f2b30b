import { randomBytes } from 'node:crypto';
import { hmac } from '@rapport/platform';

/** The tenant and the id of an OAuth client. */
export interface ClientKey {
  tenantId: string;
  id: string;
}

/**
 * Formats a `client_id`: the UUIDs of the tenant and the client in 43 characters of base64url. It contains the tenant because every
 * lookup requires one.
 */
export function formatClientId({ tenantId, id }: ClientKey): string {
  return Buffer.from(`${tenantId}${id}`.replaceAll('-', ''), 'hex').toString('base64url');
}

/** Undefined when the text is not a `client_id` of this format. */
export function parseClientId(text: string): ClientKey | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== 32 || bytes.toString('base64url') !== text) return undefined;
  return { tenantId: formatUuid(bytes.subarray(0, 16)), id: formatUuid(bytes.subarray(16)) };
}

/** The `client_id` of the console, which is a client of the edge for all workspaces. */
export const consoleClientId = 'console';
/** The id of the console's row in each workspace whose users have signed in to it. Nobody can list or change this client. */
export const consoleClientKey = '00000000-0000-7000-8000-000000000001';

/**
 * The client of a record. The tenant of a record of the console is that of its user: it has none before the sign-in.
 *
 * @param tenantId of the user
 */
export function clientKeyOf(clientId: string, tenantId: string | undefined): ClientKey | undefined {
  if (clientId !== consoleClientId) return parseClientId(clientId);
  return tenantId === undefined ? undefined : { tenantId, id: consoleClientKey };
}

/** Generates the secret of a confidential client, with 256 random bits. */
export function generateClientSecret(): string {
  return `rpt_secret_${randomBytes(32).toString('base64url')}`;
}

/** The stored hash of a secret. It is an HMAC, so a copy of the database does not allow offline guesses. @param hmacKey 32 bytes */
export function hashClientSecret(hmacKey: Buffer, secret: string): Buffer {
  return hmac(hmacKey).update(`oauth-client:${secret}`).digest();
}

function formatUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
