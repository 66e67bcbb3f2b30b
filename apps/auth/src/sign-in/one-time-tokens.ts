import { createHash, randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { invalidArgument, type AppError } from '@rapport/platform';
import type { UserAccount } from '../storage/user-account.entity.js';
import { OneTimeToken, type TokenPurpose } from '../storage/one-time-token.entity.js';

const tenantBytes = 16;
const secretBytes = 32;

/**
 * A new token for somebody, of 64 characters: the tenant's id, without which nothing can be looked up, and 32 random bytes.
 * One that was sent before for the same purpose no longer works.
 */
export async function issueToken(
  em: EntityManager,
  purpose: TokenPurpose,
  { tenantId, id: userId }: Pick<UserAccount, 'tenantId' | 'id'>,
  ttlSeconds: number,
): Promise<string> {
  const tenant = Buffer.from(tenantId.replaceAll('-', ''), 'hex');
  const token = Buffer.concat([tenant, randomBytes(secretBytes)]).toString('base64url');
  const expireTime = new Date(Date.now() + ttlSeconds * 1_000);
  await em.upsert(OneTimeToken, { tenantId, userId, purpose, hash: hashOf(token), expireTime });
  return token;
}

/** UUID of the tenant that a token names, which proves nothing yet. */
export function tenantOfToken(token: string): string {
  const hex = Buffer.from(token, 'base64url').subarray(0, tenantBytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Whose token it is, while it is good. */
export async function userOfToken(
  em: EntityManager,
  purpose: TokenPurpose,
  token: string,
): Promise<string | undefined> {
  const found = await em.findOne(OneTimeToken, goodToken(purpose, token));
  return found?.userId;
}

/** Uses a token up. False when somebody else did, or it is no longer good. */
export async function useToken(em: EntityManager, purpose: TokenPurpose, token: string): Promise<boolean> {
  return (await em.nativeDelete(OneTimeToken, goodToken(purpose, token))) === 1;
}

/** @param field path of the token in the request */
export function tokenInvalid(field: string): AppError {
  return invalidArgument([
    { field, reason: 'TOKEN_INVALID', description: 'is not valid: it was used, is too old, or a newer one was sent' },
  ]);
}

function goodToken(purpose: TokenPurpose, token: string) {
  return { tenantId: tenantOfToken(token), purpose, hash: hashOf(token), expireTime: { $gt: new Date() } };
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
